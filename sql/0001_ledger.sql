-- 0001: the ledger and the outbox.
--
-- {name} stands for the table's full name: `erp_sidecar`.`name`, or `magento`.`erp_sidecar_name`
-- where the host allows one schema only.  All times are UTC.  Money is decimal(20,4), as Magento's.

-- Hints: "look at order 42".  Written by triggers inside Magento's own transactions, so: InnoDB, a
-- primary key, nothing else.  A unique secondary key or a foreign key here could make checkout wait.
CREATE TABLE {outbox} (
  id          bigint unsigned NOT NULL AUTO_INCREMENT,
  kind        varchar(16)  CHARACTER SET ascii NOT NULL,
  entity_id   bigint unsigned NOT NULL,
  pointed     varchar(64)  CHARACTER SET ascii NOT NULL,
  created_at  timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Breadcrumbs of triggers that could not write their hint: the order went through, the hint is lost,
-- the sweep finds it.
CREATE TABLE {outbox_fault} (
  id          bigint unsigned NOT NULL AUTO_INCREMENT,
  kind        varchar(16)  CHARACTER SET ascii NOT NULL,
  entity_id   bigint unsigned NOT NULL,
  pointed     varchar(64)  CHARACTER SET ascii NOT NULL,
  errno       int NULL,
  message     varchar(255) NULL,
  created_at  timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- What the ledger last knew of each Magento entity: intake compares with it, the sweep anti-joins it.
CREATE TABLE {entity} (
  kind           varchar(16)  CHARACTER SET ascii NOT NULL,
  entity_id      bigint unsigned NOT NULL,
  number         varchar(64)  NOT NULL,
  store_id       smallint unsigned NULL,
  state          varchar(32)  NOT NULL,
  status         varchar(32)  NOT NULL,
  our_number     varchar(255) NULL COMMENT 'the ERP''s number, where our write-back put it there',
  held_by_us     tinyint      NOT NULL DEFAULT 0,
  as_is          tinyint      NOT NULL DEFAULT 0 COMMENT 'an operator lets it go whatever its amounts are',
  overwritten    text         NULL COMMENT 'JSON: how it stood before our write: what a stale save brings back',
  amount         decimal(20,4) NULL,
  currency       varchar(3)   NULL,
  fingerprint    varchar(80)  CHARACTER SET ascii NULL COMMENT 'NULL: known from the baseline only',
  mark           bigint unsigned NULL COMMENT 'checksum of what moves no updated_at, for the sweep',
  facts          text         NULL COMMENT 'JSON: what gates decide on',
  sequence       int unsigned NOT NULL DEFAULT 0,
  revision       int unsigned NOT NULL DEFAULT 0 COMMENT 'grows with every change of this row',
  made_at        datetime     NULL COMMENT 'Magento''s created_at: with another one it is another entity',
  updated_at     datetime     NULL COMMENT 'Magento''s updated_at when it was last looked at',
  looked_at      datetime(3)  NULL,
  vanished_at    datetime(3)  NULL,
  parent_kind    varchar(16)  CHARACTER SET ascii NULL,
  parent_id      bigint unsigned NULL COMMENT 'whose document must be in the ERP first',
  PRIMARY KEY (kind, entity_id),
  KEY parent (parent_kind, parent_id),
  KEY number (kind, number)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Business events.  due_at is NULL unless the event wants to be claimed now or later, so that finished
-- rows never stand in the claim's way.  Kept small: an event is updated several times, and the row
-- binlog, which replicas and backups carry, has the whole row twice for each.
CREATE TABLE {event} (
  id             bigint unsigned NOT NULL AUTO_INCREMENT,
  event_id       varchar(100) CHARACTER SET ascii NOT NULL,
  domain         varchar(16)  CHARACTER SET ascii NOT NULL,
  kind           varchar(16)  CHARACTER SET ascii NOT NULL,
  entity_id      bigint unsigned NOT NULL,
  number         varchar(64)  NOT NULL,
  sequence       int unsigned NOT NULL,
  type           varchar(32)  CHARACTER SET ascii NOT NULL,
  version        smallint unsigned NOT NULL,
  status         varchar(12)  CHARACTER SET ascii NOT NULL
                 COMMENT 'pending sending accepted rejected unknown parked superseded',
  due_at         datetime(3)  NULL,
  waiting        varchar(255) NULL COMMENT 'why a pending event has no due_at',
  ref            varchar(100) NULL COMMENT 'external reference under which it was last sent or asked for',
  maybe_booked   tinyint      NOT NULL DEFAULT 0 COMMENT 'sent, and the ERP may have booked it',
  absent         tinyint      NOT NULL DEFAULT 0 COMMENT 'the ERP was asked, and does not hold it',
  vouched        tinyint      NOT NULL DEFAULT 0 COMMENT 'requeued by a person who looked into the ERP',
  attempts       int unsigned NOT NULL DEFAULT 0,
  questions      int unsigned NOT NULL DEFAULT 0 COMMENT 'asked in a row without an answer to use',
  crashes        int unsigned NOT NULL DEFAULT 0 COMMENT 'processes that died at it',
  asking         tinyint      NOT NULL DEFAULT 0 COMMENT 'claimed to ask the ERP, not to send',
  fence          int unsigned NOT NULL DEFAULT 0,
  lease_owner    varchar(100) CHARACTER SET ascii NULL,
  lease_until    datetime(3)  NULL,
  amount         decimal(20,4) NULL,
  currency       varchar(3)   NULL,
  reason         text         NULL,
  remedy         text         NULL,
  error_code     varchar(64)  NULL,
  error_print    char(12)     CHARACTER SET ascii NULL COMMENT 'groups rejections of one cause',
  occurred_at    datetime(3)  NOT NULL,
  posting_date   datetime     NULL COMMENT 'midnight of the day on which it is posted instead of its own, whose period is closed',
  created_at     datetime(3)  NOT NULL,
  first_sent_at  datetime(3)  NULL,
  sent_at        datetime(3)  NULL COMMENT 'last push, not last probe',
  finished_at    datetime(3)  NULL,
  PRIMARY KEY (id),
  UNIQUE KEY entity_sequence (kind, entity_id, sequence),
  KEY claim (domain, due_at, id),
  KEY suspect (crashes, due_at),
  KEY lease (lease_until),
  KEY status (status, domain),
  KEY number (kind, number)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE {event_archive} LIKE {event};

-- What each event says, frozen (JSON; docs/schemas).  Stays where it is when its event is archived.
CREATE TABLE {payload} (
  kind           varchar(16)  CHARACTER SET ascii NOT NULL,
  entity_id      bigint unsigned NOT NULL,
  sequence       int unsigned NOT NULL,
  payload        mediumtext   NOT NULL,
  PRIMARY KEY (kind, entity_id, sequence)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Every attempt to deliver, append-only.
CREATE TABLE {attempt} (
  id            bigint unsigned NOT NULL AUTO_INCREMENT,
  event         bigint unsigned NOT NULL,
  number        int unsigned NOT NULL,
  operation     varchar(16)  CHARACTER SET ascii NOT NULL COMMENT 'push, probe, recover, or replay to another account',
  fence         int unsigned NOT NULL,
  owner         varchar(100) CHARACTER SET ascii NOT NULL,
  outcome       varchar(16)  CHARACTER SET ascii NOT NULL,
  reference     varchar(255) NULL,
  code          varchar(64)  NULL,
  message       text         NULL,
  request       varchar(255) NULL,
  http_status   smallint     NULL,
  milliseconds  int unsigned NULL,
  timed_out     tinyint      NOT NULL DEFAULT 0 COMMENT 'no connection, or no answer, in time',
  answer        text         NULL,
  predicate     varchar(16)  CHARACTER SET ascii NULL 
                COMMENT 'line of the file of calls that took the answer, or: none ok protocol first then',
  doubt         varchar(255) NULL COMMENT 'why it was not believed, or could not be asked',
  events        smallint unsigned NOT NULL DEFAULT 1 COMMENT 'that the call was about: each has a row',
  at            datetime(3)  NOT NULL,
  PRIMARY KEY (id),
  KEY event (event)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Magento entity <-> ERP documents: the one that an event opened, with the figures as the ERP computed
-- them, and further ones that belong to it (a delivery, an invoice), of which the ERP told by itself.
CREATE TABLE {link} (
  kind        varchar(16)  CHARACTER SET ascii NOT NULL,
  entity_id   bigint unsigned NOT NULL,
  reference   varchar(255) NOT NULL COMMENT 'what people call it',
  erp_key     varchar(100) NULL COMMENT 'what calls need, where that is another name',
  is_main     tinyint      NULL COMMENT '1: an event opened it; NULL: further (a key allows many NULLs)',
  status      varchar(64)  NULL,
  total       decimal(20,4) NULL,
  tax         decimal(20,4) NULL,
  line_count  int unsigned NULL,
  currency    varchar(3)   NULL,
  ref         varchar(100) NULL COMMENT 'external reference under which it was booked, for life',
  event       bigint unsigned NULL COMMENT 'NULL: the ERP told of it by itself',
  booked_at   datetime(3)  NOT NULL,
  updated_at  datetime(3)  NOT NULL,
  ended_at    datetime(3)  NULL COMMENT 'the ERP took a cancel of it',
  PRIMARY KEY (kind, entity_id, reference),
  UNIQUE KEY main (kind, entity_id, is_main),
  KEY reference (reference),
  KEY ref (ref)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Documents that were an entity's and are no more: canceled, and booked anew under another number; or
-- of an order in whose place Magento has another one.  Never adopted again.
CREATE TABLE {former_link} (
  kind        varchar(16)  CHARACTER SET ascii NOT NULL,
  entity_id   bigint unsigned NOT NULL,
  reference   varchar(100) NOT NULL,
  ref         varchar(100) NULL,
  ended_at    datetime(3)  NOT NULL,
  PRIMARY KEY (kind, entity_id, reference),
  KEY reference (reference),
  KEY ref (ref)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- In a copy: the documents of the original's ERP, whose numbers mean something else in another one.
CREATE TABLE {original_link} LIKE {link};

CREATE TABLE {original_former_link} LIKE {former_link};

-- What is to be carried into Magento, and what was.
CREATE TABLE {write_back} (
  id            bigint unsigned NOT NULL AUTO_INCREMENT,
  kind          varchar(16)  CHARACTER SET ascii NOT NULL,
  entity_id     bigint unsigned NOT NULL,
  event         bigint unsigned NULL COMMENT 'whose answer it is',
  incoming      bigint unsigned NULL COMMENT 'what the ERP said by itself, where it is no answer',
  action        varchar(16)  CHARACTER SET ascii NOT NULL COMMENT 'accept, reject or status',
  detail        mediumtext   NOT NULL COMMENT 'JSON: status, reference, comment, hold',
  changes       tinyint      NOT NULL COMMENT 'the entity itself, not its comments only',
  state         varchar(12)  CHARACTER SET ascii NOT NULL COMMENT 'pending applied refused parked',
  due_at        datetime(3)  NULL,
  waiting_since datetime(3)  NULL COMMENT 'when it, or its repetition, was first due',
  tries         int unsigned NOT NULL DEFAULT 0,
  applied       int unsigned NOT NULL DEFAULT 0 COMMENT 'above 1: Magento''s own save undid it',
  applied_at    datetime(3)  NULL,
  wrote_status  varchar(32)  NULL COMMENT 'what was really written; NULL: left as it was',
  wrote_reference varchar(255) NULL COMMENT 'into the entity''s own column; NULL: not there',
  message       text         NULL,
  created_at    datetime(3)  NOT NULL,
  PRIMARY KEY (id),
  KEY due (due_at),
  KEY entity (kind, entity_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- What the ERP said by itself, a row for each document of its own and each version of it, and what
-- became of it.  Levels (quantities, prices) stand here only where one was not written, and where a
-- whole run waits for a person.
CREATE TABLE {incoming} (
  id           bigint unsigned NOT NULL AUTO_INCREMENT,
  domain       varchar(16)  CHARACTER SET ascii NOT NULL,
  account      varchar(64)  CHARACTER SET ascii NOT NULL COMMENT 'the ERP account that said it',
  number       varchar(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
               COMMENT 'what the ERP calls it',
  version      char(40)     CHARACTER SET ascii NOT NULL COMMENT 'digest of what it said',
  told_at      datetime(3)  NULL COMMENT 'when the ERP changed it, by its own word',
  payload      mediumtext   NOT NULL COMMENT 'JSON',
  kind         varchar(16)  CHARACTER SET ascii NULL COMMENT 'of the Magento document it belongs to',
  entity_id    bigint unsigned NULL,
  status       varchar(12)  CHARACTER SET ascii NOT NULL
               COMMENT 'waiting asked applied differs parked superseded dropped',
  due_at       datetime(3)  NULL,
  waiting_since datetime(3) NOT NULL,
  tries        int unsigned NOT NULL DEFAULT 0,
  asked_at     datetime(3)  NULL COMMENT 'the last call to Magento that may have written it',
  memory       text         NULL COMMENT 'what was written down before that call',
  state        varchar(64)  NULL COMMENT 'in which it says that the document is, in the ERP',
  as_is        tinyint      NOT NULL DEFAULT 0 COMMENT 'a person lets it through',
  document     bigint unsigned NULL COMMENT 'id of what was made of it in Magento',
  what         text         NULL COMMENT 'what was done, or why not',
  remedy       text         NULL,
  created_at   datetime(3)  NOT NULL,
  finished_at  datetime(3)  NULL,
  PRIMARY KEY (id),
  UNIQUE KEY news (domain, account, number, version),
  KEY due (due_at),
  KEY entity (kind, entity_id),
  KEY state (state),
  KEY status (status, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- How far the ERP's news of a domain have been read, for each account.
CREATE TABLE {cursor} (
  domain     varchar(16)  CHARACTER SET ascii NOT NULL,
  account    varchar(64)  CHARACTER SET ascii NOT NULL,
  since      datetime(3)  NULL COMMENT 'everything that the ERP changed before was read',
  full_at    datetime(3)  NULL COMMENT 'when everything was last read',
  approved   text         NULL COMMENT 'JSON: what a person lets the next run change',
  updated_at datetime(3)  NOT NULL,
  PRIMARY KEY (domain, account)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- In a copy: what the original's ERP said, and how far it was read (docs/clone-guard.md).
CREATE TABLE {original_incoming} LIKE {incoming};

CREATE TABLE {original_cursor} LIKE {cursor};

-- What was told altogether of totals that are told as sums over a window (demand: reservations of a
-- SKU), and in how many messages.  The row without a name says when those of its kind were last read.
CREATE TABLE {told_sum} (
  id        bigint unsigned NOT NULL AUTO_INCREMENT,
  kind      varchar(16)  CHARACTER SET ascii NOT NULL,
  name      varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  total     decimal(20,4) NOT NULL,
  messages  int unsigned NOT NULL DEFAULT 0,
  told_at   datetime(3)  NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY name (kind, name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Documents from before the sidecar that an operator sends all the same, one row for each time, and
-- each document of it: a row is marked in the transaction that points intake at it, so that a process
-- that dies in between leaves nothing out and points at nothing twice.
CREATE TABLE {backfill} (
  id           int unsigned NOT NULL AUTO_INCREMENT,
  domain       varchar(16)  CHARACTER SET ascii NOT NULL,
  per_minute   int unsigned NULL COMMENT 'documents, at the most',
  asked_by     varchar(100) NOT NULL,
  asked_at     datetime(3)  NOT NULL,
  reason       text         NULL,
  canceled_at  datetime(3)  NULL,
  finished_at  datetime(3)  NULL,
  PRIMARY KEY (id),
  KEY domain (domain)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE {backfill_document} (
  backfill     int unsigned NOT NULL,
  kind         varchar(16)  CHARACTER SET ascii NOT NULL,
  entity_id    bigint unsigned NOT NULL,
  pointed_at   datetime(3)  NULL COMMENT 'NULL: its turn has not come',
  PRIMARY KEY (backfill, entity_id),
  KEY entity (kind, entity_id),
  KEY pointed (backfill, pointed_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Months of the shop's calendar in which nothing is posted any more.  A claim holds a shared lock of
-- these rows until its end: what it puts to wait is there for whoever opens the period to wake.
CREATE TABLE {closed_period} (
  period      char(7)      CHARACTER SET ascii NOT NULL COMMENT '2026-11',
  closed_at   datetime(3)  NOT NULL,
  closed_by   varchar(100) NOT NULL,
  reason      text         NULL,
  PRIMARY KEY (period)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Findings: the ERP's figures are not ours, a silent loss, a document too many.
CREATE TABLE {difference} (
  id            bigint unsigned NOT NULL AUTO_INCREMENT,
  domain        varchar(16)  CHARACTER SET ascii NOT NULL,
  kind          varchar(16)  CHARACTER SET ascii NOT NULL,
  entity_id     bigint unsigned NOT NULL,
  number        varchar(64)  NOT NULL,
  class         varchar(32)  CHARACTER SET ascii NOT NULL,
  ours          varchar(100) NULL,
  theirs        varchar(100) NULL,
  amount        decimal(20,4) NULL COMMENT 'what it is worth, in currency',
  currency      varchar(3)   NULL,
  event         bigint unsigned NULL,
  found_at      datetime(3)  NOT NULL,
  resolved_at   datetime(3)  NULL,
  PRIMARY KEY (id),
  KEY entity (kind, entity_id),
  KEY resolved (resolved_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Who did what and why, append-only.
CREATE TABLE {audit} (
  id       bigint unsigned NOT NULL AUTO_INCREMENT,
  at       datetime(3)  NOT NULL,
  who      varchar(100) NOT NULL,
  command  varchar(64)  NOT NULL,
  subject  varchar(100) NOT NULL,
  reason   text         NULL,
  detail   text         NULL COMMENT 'JSON',
  PRIMARY KEY (id),
  KEY subject (subject)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Pause (an operator's) and stop (after a failed login, say) of each domain; both survive a restart.
CREATE TABLE {control} (
  domain         varchar(16)  CHARACTER SET ascii NOT NULL,
  paused_at      datetime(3)  NULL,
  paused_until   datetime(3)  NULL,
  paused_by      varchar(100) NULL,
  paused_reason  text         NULL,
  stopped_at     datetime(3)  NULL,
  stopped_reason text         NULL,
  PRIMARY KEY (domain)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- One row per ERP account, by its name in the configuration: breaker and throttle, so that a restart
-- does not forget them.
CREATE TABLE {erp_account} (
  name         varchar(64)  NOT NULL,
  address      varchar(2083) NOT NULL COMMENT 'of which this was learnt: another one is another ERP',
  failures     int unsigned NOT NULL DEFAULT 0 COMMENT 'transport failures in a row',
  opened_at    datetime(3)  NULL COMMENT 'since when the breaker is open',
  ask_at       datetime(3)  NULL COMMENT 'when an open breaker lets one call through',
  slow_until   datetime(3)  NULL COMMENT 'no call before, as the ERP asked, within longest_wait',
  asked_wait   double       NULL COMMENT 'seconds that the ERP asked for',
  wait_ended_at datetime(3)  NULL COMMENT 'when an operator last ended such a wait',
  rate         double       NULL COMMENT 'present share of the configured rate, 0 to 1',
  used         int unsigned NOT NULL DEFAULT 0 COMMENT 'requests of the last window',
  slots        int unsigned NULL COMMENT 'calls at the same time, at present',
  updated_at   datetime(3)  NOT NULL,
  PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Who works: one daemon per ledger, by the database's clock (no GET_LOCK: Galera has none).
CREATE TABLE {lease} (
  name    varchar(32)  CHARACTER SET ascii NOT NULL,
  owner   varchar(100) CHARACTER SET ascii NOT NULL,
  term    bigint unsigned NOT NULL,
  until   datetime(3)  NOT NULL,
  PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Duties of the daemon that fail at present, a row each: the daemon writes it, and takes it away when
-- the duty comes to a good end again.
CREATE TABLE {station} (
  name           varchar(32)  CHARACTER SET ascii NOT NULL,
  failing_since  datetime(3)  NOT NULL,
  failures       int unsigned NOT NULL COMMENT 'in a row',
  message        text         NOT NULL,
  remedy         text         NOT NULL,
  updated_at     datetime(3)  NOT NULL,
  PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- What was put into Magento's schema (triggers, statuses) and when: uninstall and verify read it.
CREATE TABLE {installed} (
  kind    varchar(16)  CHARACTER SET ascii NOT NULL,
  name    varchar(100) NOT NULL,
  detail  mediumtext   NULL COMMENT 'JSON',
  at      datetime(3)  NOT NULL,
  PRIMARY KEY (kind, name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Which system this ledger belongs to, in one row; it distinguishes a restored copy of the database
-- from the original (docs/clone-guard.md).  The daemon renews the beat while it works.
CREATE TABLE {identity} (
  id             tinyint unsigned NOT NULL,
  servers        text         NOT NULL COMMENT 'JSON: uuid, host, port, data folder of each known one',
  magento_schema varchar(64)  NOT NULL,
  ledger         varchar(100) NOT NULL COMMENT 'schema and table prefix',
  base_urls      text         NOT NULL COMMENT 'JSON: the shop''s addresses without their scheme',
  erps           text         NOT NULL COMMENT 'JSON: name of each ERP account, and its address',
  original_erps  text         NULL COMMENT 'JSON, in a copy: addresses that it must never speak to',
  doubt          varchar(255) NULL COMMENT 'why it is not known, until somebody says',
  recorded_at    datetime(3)  NOT NULL,
  recorded_by    varchar(100) NOT NULL,
  reason         text         NULL,
  beat           int unsigned NOT NULL DEFAULT 0,
  beat_by        varchar(100) CHARACTER SET ascii NULL,
  beat_machine   char(32)     CHARACTER SET ascii NULL COMMENT 'fingerprint of /etc/machine-id',
  beat_at        datetime(3)  NULL,
  token          char(32)     CHARACTER SET ascii NOT NULL COMMENT 'another one after each record',
  past_order     int unsigned NOT NULL DEFAULT 0 COMMENT 'that ids up to here come again is settled',
  told           varchar(16)  CHARACTER SET ascii NULL COMMENT 'the doubt of the daemon that works',
  told_why       text         NULL,
  told_at        datetime(3)  NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- End-to-end checks under way (erp-sidecar check), a row each, removed by whoever asked; a moment for
-- each station that has seen it.
CREATE TABLE {check_run} (
  id           int unsigned NOT NULL AUTO_INCREMENT,
  asked_by     varchar(100) NOT NULL,
  asked_at     datetime(3)  NOT NULL,
  until        datetime(3)  NOT NULL COMMENT 'after it the asker is dead: the next check removes it',
  hint         bigint unsigned NULL COMMENT 'its id in the outbox',
  looked_at    datetime(3)  NULL COMMENT 'intake',
  taken_at     datetime(3)  NULL COMMENT 'delivery',
  answered_at  datetime(3)  NULL COMMENT 'the ERP',
  written_at   datetime(3)  NULL COMMENT 'the write-back',
  answer       varchar(255) NULL,
  failure      text         NULL,
  remedy       text         NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
