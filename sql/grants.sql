-- The least rights that the daemon's account needs, no more.  {account} is its name at its host,
-- {read} and {watched} each of the tables below, {table:name} a table of Magento's with its prefix,
-- {ledger} the ledger's tables.  'erp-sidecar grants print' prints them for your installation.

-- Reading orders, what hangs on them, and how the shop is set up: each of the tables that
-- sidecar/magento/schema_probe.py lists, and no other.  Not among them: customers, administrators,
-- tokens, sessions, quotes.
GRANT SELECT ON {read} TO {account};
-- On each table that carries a trigger of ours.  Without it the server shows an account no triggers,
-- and lost triggers would go unnoticed.
GRANT TRIGGER ON {watched} TO {account};
-- The write-back: these columns of these three tables, nothing else in Magento.  It locks an order
-- first, for which MySQL wants the right UPDATE, and on some columns is enough (test_ledger_grants.py).
GRANT UPDATE (state, status, ext_order_id, hold_before_state, hold_before_status)
  ON {table:sales_order} TO {account};
GRANT UPDATE (status) ON {table:sales_order_grid} TO {account};
GRANT INSERT (parent_id, is_customer_notified, is_visible_on_front, comment, status, entity_name)
  ON {table:sales_order_status_history} TO {account};
-- Its own tables.
GRANT SELECT, INSERT, UPDATE, DELETE ON {ledger} TO {account};
