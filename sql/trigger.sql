-- What the sidecar puts on a Magento table, for a DBA to read.  `erp-sidecar triggers plan` prints
-- the statements as they would run on this server; `erp-sidecar triggers status` compares.
--
-- The trigger says "look at order 42" and nothing else: one row into the outbox, no SELECT, no lock
-- but that of its own new row.  About 1 % of an order transaction.
--
-- Whatever goes wrong with that row (outbox or its schema gone, a column changed, the right to insert
-- lost, a Magento upgrade dropped the column that is read here) must not fail the shop's statement.
-- So the handler swallows it, and leaves errno and message in outbox_fault; where that is broken
-- too, the inner handler swallows again.  The hint is lost then, and the sweep finds the change.
--
-- A handler cannot catch: a definer that does not exist (1449) or lost the TRIGGER right (1142), lock
-- waits (1205), metadata locks, on MySQL a full disk (1114); test_trigger_faults.py.  Hence:
--   * the definer is Magento's own database user, without which there is no shop anyway;
--   * the outbox has a primary key and nothing else, so an insert has nothing to wait for;
--   * never LOCK TABLES on the outbox, never ALTER it while the shop is open, dump it with
--     --single-transaction.
--
-- Never rename a trigger to trg_...: Magento's setup:upgrade drops such names.
--
-- Trigger and table are named without their schema, as in Magento's own triggers: a dump carries this
-- text, and is to be imported under any name.  The outbox lies in another schema and is named with it.
-- Where the dump is imported on a server without that schema, the handler swallows the 1146, and its
-- checkout goes on without hints.
--
-- GET DIAGNOSTICS stands first in its block: on MySQL a variable declared there would clear what it
-- is to read (test_the_order_goes_through_and_a_breadcrumb_says_why_its_hint_is_missing).
--
--   {changed}  TRUE, or which columns must differ.  <=> takes NULL for a value.  Texts are compared
--              as bytes: to the column's collation "Muller" and "Müller" are the same.
CREATE DEFINER={definer} TRIGGER {trigger} AFTER {event} ON {table} FOR EACH ROW
BEGIN
  DECLARE fault_errno INT;
  DECLARE fault_message TEXT;
  DECLARE EXIT HANDLER FOR SQLEXCEPTION
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN END;
    GET DIAGNOSTICS CONDITION 1 fault_errno = MYSQL_ERRNO, fault_message = MESSAGE_TEXT;
    INSERT INTO {outbox_fault} (kind, entity_id, pointed, errno, message)
    VALUES ('{kind}', NEW.{entity}, '{pointed}', fault_errno, LEFT(fault_message, 255));
  END;
  IF {changed} THEN
    INSERT INTO {outbox} (kind, entity_id, pointed) VALUES ('{kind}', NEW.{entity}, '{pointed}');
  END IF;
END
