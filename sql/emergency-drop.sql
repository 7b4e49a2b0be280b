-- Takes the sidecar's triggers off a Magento schema when the sidecar itself cannot do it: it is
-- uninstalled, its host is gone, the shop fails with error 1449 or 1142 and minutes count.
--
-- Neither MySQL nor MariaDB can drop a set of triggers in one statement, and MySQL cannot PREPARE a
-- DROP TRIGGER.  So this prints the statements, and a second client runs them:
--
--   mysql -N -B -D magento < emergency-drop.sql | mysql --force -D magento
--
-- (`mariadb` instead of `mysql` is the same program; put user and password into ~/.my.cnf; replace
-- both `magento` by the name of the shop's schema.)  The user needs the TRIGGER right.
--
-- Each DROP waits one second at the most, so that checkout never queues behind it.  Where it says
-- "Lock wait timeout exceeded", run the line again.  Done when the first client alone
--
--   mysql -N -B -D magento < emergency-drop.sql
--
-- prints nothing.  Orders of the time without triggers are found by the sweep.
SELECT CONCAT(
         'SET SESSION lock_wait_timeout = 1; DROP TRIGGER IF EXISTS `',
         REPLACE(TRIGGER_SCHEMA, '`', '``'), '`.`', REPLACE(TRIGGER_NAME, '`', '``'), '`;'
       ) AS statement
FROM information_schema.TRIGGERS
WHERE TRIGGER_SCHEMA = DATABASE() AND LEFT(TRIGGER_NAME, 12) = 'erp_sidecar_'
ORDER BY TRIGGER_NAME;
