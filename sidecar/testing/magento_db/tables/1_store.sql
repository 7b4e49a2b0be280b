-- Websites, stores, configuration and the machinery of the shop.

-- a website: the scope of currency, customers and stock
CREATE TABLE store_website (
  website_id smallint unsigned NOT NULL AUTO_INCREMENT,
  code varchar(32),
  name varchar(64),
  sort_order smallint unsigned NOT NULL DEFAULT 0,
  default_group_id smallint unsigned NOT NULL DEFAULT 0,
  is_default smallint unsigned DEFAULT 0,
  PRIMARY KEY (website_id),
  UNIQUE KEY STORE_WEBSITE_CODE (code),
  KEY STORE_WEBSITE_SORT_ORDER (sort_order),
  KEY STORE_WEBSITE_DEFAULT_GROUP_ID (default_group_id)
);

-- a store: a catalogue root in a website
CREATE TABLE store_group (
  group_id smallint unsigned NOT NULL AUTO_INCREMENT,
  website_id smallint unsigned NOT NULL DEFAULT 0,
  name varchar(255) NOT NULL,
  root_category_id int unsigned NOT NULL DEFAULT 0,
  default_store_id smallint unsigned NOT NULL DEFAULT 0,
  code varchar(32),
  PRIMARY KEY (group_id),
  UNIQUE KEY STORE_GROUP_CODE (code),
  KEY STORE_GROUP_WEBSITE_ID (website_id),
  KEY STORE_GROUP_DEFAULT_STORE_ID (default_store_id),
  FOREIGN KEY (website_id) REFERENCES store_website (website_id) ON DELETE CASCADE
);

-- a store view: language, and the scope of an order
CREATE TABLE store (
  store_id smallint unsigned NOT NULL AUTO_INCREMENT,
  code varchar(32),
  website_id smallint unsigned NOT NULL DEFAULT 0,
  group_id smallint unsigned NOT NULL DEFAULT 0,
  name varchar(255) NOT NULL,
  sort_order smallint unsigned NOT NULL DEFAULT 0,
  is_active smallint unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (store_id),
  UNIQUE KEY STORE_CODE (code),
  KEY STORE_WEBSITE_ID (website_id),
  KEY STORE_IS_ACTIVE_SORT_ORDER (is_active,sort_order),
  KEY STORE_GROUP_ID (group_id),
  FOREIGN KEY (group_id) REFERENCES store_group (group_id) ON DELETE CASCADE,
  FOREIGN KEY (website_id) REFERENCES store_website (website_id) ON DELETE CASCADE
);

-- configuration that differs from the shipped defaults
CREATE TABLE core_config_data (
  config_id int unsigned NOT NULL AUTO_INCREMENT,
  scope varchar(8) NOT NULL DEFAULT 'default',
  scope_id int NOT NULL DEFAULT 0,
  path varchar(255) NOT NULL DEFAULT 'general',
  value text,
  updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (config_id),
  UNIQUE KEY CORE_CONFIG_DATA_SCOPE_SCOPE_ID_PATH (scope,scope_id,path)
);

-- module versions
CREATE TABLE setup_module (
  module varchar(50) NOT NULL,
  schema_version varchar(50),
  data_version varchar(50),
  PRIMARY KEY (module)
);

-- one-row states of modules
CREATE TABLE flag (
  flag_id int unsigned NOT NULL AUTO_INCREMENT,
  flag_code varchar(255) NOT NULL,
  state smallint unsigned NOT NULL DEFAULT 0,
  flag_data mediumtext,
  last_update timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (flag_id),
  KEY FLAG_LAST_UPDATE (last_update)
);

-- mode and cursor of each materialised view
CREATE TABLE mview_state (
  state_id int unsigned NOT NULL AUTO_INCREMENT,
  view_id varchar(255),
  mode varchar(16) DEFAULT 'disabled',
  status varchar(16) DEFAULT 'idle',
  updated datetime,
  version_id int unsigned,
  PRIMARY KEY (state_id),
  KEY MVIEW_STATE_VIEW_ID (view_id),
  KEY MVIEW_STATE_MODE (mode)
);

-- database queue: messages
CREATE TABLE queue_message (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  topic_name varchar(255),
  body longtext,
  PRIMARY KEY (id)
);

-- database queue: who consumed which message
CREATE TABLE queue_message_status (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  queue_id int unsigned NOT NULL,
  message_id bigint unsigned NOT NULL,
  updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  status smallint unsigned NOT NULL,
  number_of_trials smallint unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (id),
  UNIQUE KEY QUEUE_MESSAGE_STATUS_QUEUE_ID_MESSAGE_ID (queue_id,message_id),
  KEY QUEUE_MESSAGE_STATUS_MESSAGE_ID_QUEUE_MESSAGE_ID (message_id),
  KEY QUEUE_MESSAGE_STATUS_STATUS_UPDATED_AT (status,updated_at),
  FOREIGN KEY (message_id) REFERENCES queue_message (id) ON DELETE CASCADE
);

-- kinds of EAV entities
CREATE TABLE eav_entity_type (
  entity_type_id smallint unsigned NOT NULL AUTO_INCREMENT,
  entity_type_code varchar(50) NOT NULL,
  entity_model varchar(255) NOT NULL,
  attribute_model varchar(255),
  entity_table varchar(255),
  value_table_prefix varchar(255),
  entity_id_field varchar(255),
  is_data_sharing smallint unsigned NOT NULL DEFAULT 1,
  data_sharing_key varchar(100) DEFAULT 'default',
  default_attribute_set_id smallint unsigned NOT NULL DEFAULT 0,
  increment_model varchar(255),
  increment_per_store smallint unsigned NOT NULL DEFAULT 0,
  increment_pad_length smallint unsigned NOT NULL DEFAULT 8,
  increment_pad_char varchar(1) NOT NULL DEFAULT 0,
  additional_attribute_table varchar(255),
  entity_attribute_collection varchar(255),
  PRIMARY KEY (entity_type_id),
  KEY EAV_ENTITY_TYPE_ENTITY_TYPE_CODE (entity_type_code)
);

-- EAV attributes; backend_type names the value table
CREATE TABLE eav_attribute (
  attribute_id smallint unsigned NOT NULL AUTO_INCREMENT,
  entity_type_id smallint unsigned NOT NULL DEFAULT 0,
  attribute_code varchar(255) NOT NULL,
  attribute_model varchar(255),
  backend_model varchar(255),
  backend_type varchar(8) NOT NULL DEFAULT 'static',
  backend_table varchar(255),
  frontend_model varchar(255),
  frontend_input varchar(50),
  frontend_label varchar(255),
  frontend_class varchar(255),
  source_model varchar(255),
  is_required smallint unsigned NOT NULL DEFAULT 0,
  is_user_defined smallint unsigned NOT NULL DEFAULT 0,
  default_value text,
  is_unique smallint unsigned NOT NULL DEFAULT 0,
  note varchar(255),
  PRIMARY KEY (attribute_id),
  UNIQUE KEY EAV_ATTRIBUTE_ENTITY_TYPE_ID_ATTRIBUTE_CODE (entity_type_id,attribute_code),
  KEY EAV_ATTRIBUTE_FRONTEND_INPUT_ENTITY_TYPE_ID_IS_USER_DEFINED (frontend_input,entity_type_id,is_user_defined),
  FOREIGN KEY (entity_type_id) REFERENCES eav_entity_type (entity_type_id) ON DELETE CASCADE
);

-- which attributes a product has
CREATE TABLE eav_attribute_set (
  attribute_set_id smallint unsigned NOT NULL AUTO_INCREMENT,
  entity_type_id smallint unsigned NOT NULL DEFAULT 0,
  attribute_set_name varchar(255),
  sort_order smallint NOT NULL DEFAULT 0,
  PRIMARY KEY (attribute_set_id),
  UNIQUE KEY EAV_ATTRIBUTE_SET_ENTITY_TYPE_ID_ATTRIBUTE_SET_NAME (entity_type_id,attribute_set_name),
  KEY EAV_ATTRIBUTE_SET_ENTITY_TYPE_ID_SORT_ORDER (entity_type_id,sort_order),
  FOREIGN KEY (entity_type_id) REFERENCES eav_entity_type (entity_type_id) ON DELETE CASCADE
);

-- what may be chosen of an attribute that is a list
CREATE TABLE eav_attribute_option (
  option_id int unsigned NOT NULL AUTO_INCREMENT,
  attribute_id smallint unsigned NOT NULL DEFAULT 0,
  sort_order smallint unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (option_id),
  KEY EAV_ATTRIBUTE_OPTION_ATTRIBUTE_ID (attribute_id),
  FOREIGN KEY (attribute_id) REFERENCES eav_attribute (attribute_id) ON DELETE CASCADE
);

-- what an option is called, by store view
CREATE TABLE eav_attribute_option_value (
  value_id int unsigned NOT NULL AUTO_INCREMENT,
  option_id int unsigned NOT NULL DEFAULT 0,
  store_id smallint unsigned NOT NULL DEFAULT 0,
  value varchar(255),
  PRIMARY KEY (value_id),
  KEY EAV_ATTRIBUTE_OPTION_VALUE_OPTION_ID (option_id),
  KEY EAV_ATTRIBUTE_OPTION_VALUE_STORE_ID (store_id),
  FOREIGN KEY (option_id) REFERENCES eav_attribute_option (option_id) ON DELETE CASCADE,
  FOREIGN KEY (store_id) REFERENCES store (store_id) ON DELETE CASCADE
);

-- what is taxed alike
CREATE TABLE tax_class (
  class_id smallint NOT NULL AUTO_INCREMENT,
  class_name varchar(255) NOT NULL,
  class_type varchar(8) NOT NULL DEFAULT 'CUSTOMER',
  PRIMARY KEY (class_id)
);
