-- Carts and cart price rules.

-- a cart; inactive once it became an order
CREATE TABLE quote (
  entity_id int unsigned NOT NULL AUTO_INCREMENT,
  store_id smallint unsigned NOT NULL DEFAULT 0,
  created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  converted_at timestamp NULL,
  is_active smallint unsigned DEFAULT 1,
  is_virtual smallint unsigned DEFAULT 0,
  is_multi_shipping smallint unsigned DEFAULT 0,
  items_count int unsigned DEFAULT 0,
  items_qty decimal(12,4) DEFAULT 0.0000,
  orig_order_id int unsigned DEFAULT 0,
  store_to_base_rate decimal(12,4) DEFAULT 0.0000,
  store_to_quote_rate decimal(12,4) DEFAULT 0.0000,
  base_currency_code varchar(255),
  store_currency_code varchar(255),
  quote_currency_code varchar(255),
  grand_total decimal(20,4) DEFAULT 0.0000,
  base_grand_total decimal(20,4) DEFAULT 0.0000,
  checkout_method varchar(255),
  customer_id int unsigned,
  customer_tax_class_id int unsigned,
  customer_group_id int unsigned DEFAULT 0,
  customer_email varchar(255),
  customer_prefix varchar(40),
  customer_firstname varchar(255),
  customer_middlename varchar(40),
  customer_lastname varchar(255),
  customer_suffix varchar(40),
  customer_dob datetime,
  customer_note text,
  customer_note_notify smallint unsigned DEFAULT 1,
  customer_is_guest smallint unsigned DEFAULT 0,
  remote_ip varchar(45),
  applied_rule_ids varchar(255),
  reserved_order_id varchar(64),
  password_hash varchar(255),
  coupon_code varchar(255),
  global_currency_code varchar(255),
  base_to_global_rate decimal(20,4),
  base_to_quote_rate decimal(20,4),
  customer_taxvat varchar(255),
  customer_gender varchar(255),
  subtotal decimal(20,4),
  base_subtotal decimal(20,4),
  subtotal_with_discount decimal(20,4),
  base_subtotal_with_discount decimal(20,4),
  is_changed int unsigned,
  trigger_recollect smallint NOT NULL DEFAULT 0,
  ext_shipping_info text,
  gift_message_id int,
  is_persistent smallint unsigned DEFAULT 0,
  PRIMARY KEY (entity_id),
  KEY QUOTE_CUSTOMER_ID_STORE_ID_IS_ACTIVE (customer_id,store_id,is_active),
  KEY QUOTE_STORE_ID_UPDATED_AT (store_id,updated_at),
  FOREIGN KEY (store_id) REFERENCES store (store_id) ON DELETE CASCADE
);

-- a cart price rule
CREATE TABLE salesrule (
  rule_id int unsigned NOT NULL AUTO_INCREMENT,
  name varchar(255),
  description text,
  from_date date,
  to_date date,
  uses_per_customer int NOT NULL DEFAULT 0,
  is_active smallint NOT NULL DEFAULT 0,
  conditions_serialized mediumtext,
  actions_serialized mediumtext,
  stop_rules_processing smallint NOT NULL DEFAULT 1,
  is_advanced smallint unsigned NOT NULL DEFAULT 1,
  product_ids text,
  sort_order int unsigned NOT NULL DEFAULT 0,
  simple_action varchar(32),
  discount_amount decimal(12,4) NOT NULL DEFAULT 0.0000,
  discount_qty decimal(12,4),
  discount_step int unsigned NOT NULL DEFAULT 0,
  apply_to_shipping smallint unsigned NOT NULL DEFAULT 0,
  times_used int unsigned NOT NULL DEFAULT 0,
  is_rss smallint NOT NULL DEFAULT 0,
  coupon_type smallint unsigned NOT NULL DEFAULT 1,
  use_auto_generation smallint NOT NULL DEFAULT 0,
  uses_per_coupon int NOT NULL DEFAULT 0,
  simple_free_shipping smallint unsigned,
  PRIMARY KEY (rule_id),
  KEY SALESRULE_IS_ACTIVE_SORT_ORDER_TO_DATE_FROM_DATE (is_active,sort_order,to_date,from_date)
);

-- its codes
CREATE TABLE salesrule_coupon (
  coupon_id int unsigned NOT NULL AUTO_INCREMENT,
  rule_id int unsigned NOT NULL,
  code varchar(255),
  usage_limit int unsigned,
  usage_per_customer int unsigned,
  times_used int unsigned NOT NULL DEFAULT 0,
  expiration_date datetime,
  is_primary smallint unsigned,
  created_at timestamp NULL,
  type smallint DEFAULT 0,
  PRIMARY KEY (coupon_id),
  UNIQUE KEY SALESRULE_COUPON_CODE (code),
  UNIQUE KEY SALESRULE_COUPON_RULE_ID_IS_PRIMARY (rule_id,is_primary),
  KEY SALESRULE_COUPON_RULE_ID (rule_id),
  FOREIGN KEY (rule_id) REFERENCES salesrule (rule_id) ON DELETE CASCADE
);

-- how often a customer used a code
CREATE TABLE salesrule_coupon_usage (
  coupon_id int unsigned NOT NULL,
  customer_id int unsigned NOT NULL,
  times_used int unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (coupon_id,customer_id),
  KEY SALESRULE_COUPON_USAGE_CUSTOMER_ID (customer_id),
  FOREIGN KEY (coupon_id) REFERENCES salesrule_coupon (coupon_id) ON DELETE CASCADE,
  FOREIGN KEY (customer_id) REFERENCES customer_entity (entity_id) ON DELETE CASCADE
);

-- how often a customer used a rule
CREATE TABLE salesrule_customer (
  rule_customer_id int unsigned NOT NULL AUTO_INCREMENT,
  rule_id int unsigned NOT NULL DEFAULT 0,
  customer_id int unsigned NOT NULL DEFAULT 0,
  times_used smallint unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (rule_customer_id),
  KEY SALESRULE_CUSTOMER_RULE_ID_CUSTOMER_ID (rule_id,customer_id),
  KEY SALESRULE_CUSTOMER_CUSTOMER_ID_RULE_ID (customer_id,rule_id),
  FOREIGN KEY (customer_id) REFERENCES customer_entity (entity_id) ON DELETE CASCADE,
  FOREIGN KEY (rule_id) REFERENCES salesrule (rule_id) ON DELETE CASCADE
);
