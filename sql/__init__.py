"""SQL for a DBA to read: migrations, the trigger, the emergency exit.  Data, no code."""
