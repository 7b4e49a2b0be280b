-- The least rights of the user that installs ('erp-sidecar install --user …'), to be revoked
-- afterwards or kept for updates and deploys.  Places as in grants.sql; 'erp-sidecar grants print
-- --for installer' prints them for your installation, with what depends on the server's version.

-- What the daemon gets, it must be able to give.
GRANT SELECT, TRIGGER ON {magento} TO {user} WITH GRANT OPTION;
GRANT UPDATE (state, status, ext_order_id, hold_before_state, hold_before_status)
  ON {table:sales_order} TO {user} WITH GRANT OPTION;
GRANT UPDATE (status) ON {table:sales_order_grid} TO {user} WITH GRANT OPTION;
GRANT INSERT (parent_id, is_customer_notified, is_visible_on_front, comment, status, entity_name)
  ON {table:sales_order_status_history} TO {user} WITH GRANT OPTION;
-- The order statuses are registered, and at uninstall removed.
GRANT INSERT, DELETE ON {table:sales_order_status} TO {user};
GRANT INSERT, DELETE ON {table:sales_order_status_state} TO {user};
-- The rehearsal: a table for a moment, on which a trigger is tried.
GRANT CREATE, DROP, INSERT ON {table:erp_sidecar_probe} TO {user};
-- The ledger; the definer of the triggers is given INSERT on two of its tables.
GRANT CREATE, ALTER, DROP, INDEX, SELECT, INSERT, UPDATE, DELETE
  ON {ledger} TO {user} WITH GRANT OPTION;
