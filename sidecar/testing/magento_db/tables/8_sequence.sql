-- Increment ids: one sequence table per document and store.

-- which table numbers which document of which store
CREATE TABLE sales_sequence_meta (
  meta_id int unsigned NOT NULL AUTO_INCREMENT,
  entity_type varchar(32) NOT NULL,
  store_id smallint unsigned NOT NULL,
  sequence_table varchar(64) NOT NULL,
  PRIMARY KEY (meta_id),
  UNIQUE KEY SALES_SEQUENCE_META_ENTITY_TYPE_STORE_ID (entity_type,store_id)
);

-- prefix, suffix, step
CREATE TABLE sales_sequence_profile (
  profile_id int unsigned NOT NULL AUTO_INCREMENT,
  meta_id int unsigned NOT NULL,
  prefix varchar(32),
  suffix varchar(32),
  start_value int unsigned NOT NULL DEFAULT 1,
  step int unsigned NOT NULL DEFAULT 1,
  max_value int unsigned NOT NULL,
  warning_value int unsigned NOT NULL,
  is_active tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (profile_id),
  UNIQUE KEY SALES_SEQUENCE_PROFILE_META_ID_PREFIX_SUFFIX (meta_id,prefix,suffix),
  FOREIGN KEY (meta_id) REFERENCES sales_sequence_meta (meta_id) ON DELETE CASCADE
);
