-- The least rights that the daemon's database user needs, no more.  {user} is its name at its host,
-- {read} and {watched} each of the tables below, {table:name} a table of Magento's with its prefix,
-- {ledger} the ledger's tables.  'erp-sidecar grants print' prints them for your installation.

-- Reading orders, what hangs on them, and how the shop is set up: each of the tables that
-- a domain reads (sidecar/domains), and no other.  Not among them: administrators, tokens,
-- sessions, quotes; customers neither, where they are not carried (domains.customers).
GRANT SELECT ON {read} TO {user};
-- Of tables that hold secrets too (customer_entity: password hashes), {narrow}: some columns.  REFERENCES
-- shows the names of the others, of which the triggers are planned, and nothing in them.
GRANT {narrow} TO {user};
-- On each table that carries a trigger of ours.  Without it the server shows a user no triggers,
-- and lost triggers would go unnoticed.
GRANT TRIGGER ON {watched} TO {user};
-- The write-back, {write}: the columns and tables that each domain names (its `needs.py`), nothing else
-- in Magento.
GRANT {write} TO {user};
-- Its own tables.
GRANT SELECT, INSERT, UPDATE, DELETE ON {ledger} TO {user};
