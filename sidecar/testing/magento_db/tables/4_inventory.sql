-- Multi-source inventory. A reservation is only ever added to; salable = sources + reservations.

-- a warehouse
CREATE TABLE inventory_source (
  source_code varchar(255) NOT NULL,
  name varchar(255) NOT NULL,
  enabled smallint unsigned NOT NULL DEFAULT 1,
  description text,
  latitude decimal(8,6),
  longitude decimal(9,6),
  country_id varchar(2) NOT NULL,
  region_id int unsigned,
  region varchar(255),
  city varchar(255),
  street varchar(255),
  postcode varchar(255) NOT NULL,
  contact_name varchar(255),
  email varchar(255),
  phone varchar(255),
  fax varchar(255),
  use_default_carrier_config smallint unsigned NOT NULL DEFAULT 1,
  is_pickup_location_active tinyint(1) NOT NULL DEFAULT 0,
  frontend_name varchar(255) DEFAULT '',
  frontend_description text,
  PRIMARY KEY (source_code)
);

-- a set of sources
CREATE TABLE inventory_stock (
  stock_id int unsigned NOT NULL AUTO_INCREMENT,
  name varchar(255) NOT NULL,
  PRIMARY KEY (stock_id)
);

-- which sources a stock draws on
CREATE TABLE inventory_source_stock_link (
  link_id int unsigned NOT NULL AUTO_INCREMENT,
  stock_id int unsigned NOT NULL,
  source_code varchar(255) NOT NULL,
  priority smallint unsigned NOT NULL,
  PRIMARY KEY (link_id),
  UNIQUE KEY INVENTORY_SOURCE_STOCK_LINK_STOCK_ID_SOURCE_CODE (stock_id,source_code),
  KEY INV_SOURCE_STOCK_LNK_SOURCE_CODE_INV_SOURCE_SOURCE_CODE (source_code),
  KEY INVENTORY_SOURCE_STOCK_LINK_STOCK_ID_PRIORITY (stock_id,priority),
  FOREIGN KEY (stock_id) REFERENCES inventory_stock (stock_id) ON DELETE CASCADE,
  FOREIGN KEY (source_code) REFERENCES inventory_source (source_code) ON DELETE CASCADE
);

-- which website sells from which stock
CREATE TABLE inventory_stock_sales_channel (
  type varchar(64) NOT NULL,
  code varchar(64) NOT NULL,
  stock_id int unsigned NOT NULL,
  PRIMARY KEY (type,code),
  KEY INVENTORY_STOCK_SALES_CHANNEL_STOCK_ID_INVENTORY_STOCK_STOCK_ID (stock_id),
  FOREIGN KEY (stock_id) REFERENCES inventory_stock (stock_id) ON DELETE CASCADE
);

-- quantity of a SKU in a source
CREATE TABLE inventory_source_item (
  source_item_id int unsigned NOT NULL AUTO_INCREMENT,
  source_code varchar(255) NOT NULL,
  sku varchar(64) NOT NULL,
  quantity decimal(12,4) NOT NULL DEFAULT 0.0000,
  status smallint unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (source_item_id),
  UNIQUE KEY INVENTORY_SOURCE_ITEM_SOURCE_CODE_SKU (source_code,sku),
  KEY INVENTORY_SOURCE_ITEM_SKU_SOURCE_CODE_QUANTITY (sku,source_code,quantity),
  FOREIGN KEY (source_code) REFERENCES inventory_source (source_code) ON DELETE CASCADE
);

-- demand and its compensation
CREATE TABLE inventory_reservation (
  reservation_id int unsigned NOT NULL AUTO_INCREMENT,
  stock_id int unsigned NOT NULL,
  sku varchar(64) NOT NULL,
  quantity decimal(10,4) NOT NULL DEFAULT 0.0000,
  metadata varchar(255),
  PRIMARY KEY (reservation_id),
  KEY INVENTORY_RESERVATION_STOCK_ID_SKU_QUANTITY (stock_id,sku,quantity)
);

-- which source a shipment left
CREATE TABLE inventory_shipment_source (
  shipment_id int unsigned NOT NULL,
  source_code varchar(255) NOT NULL,
  PRIMARY KEY (shipment_id)
);

-- in-store pickup of an order
CREATE TABLE inventory_pickup_location_order (
  order_id int unsigned NOT NULL AUTO_INCREMENT,
  pickup_location_code varchar(255) NOT NULL,
  PRIMARY KEY (order_id),
  FOREIGN KEY (order_id) REFERENCES sales_order (entity_id) ON DELETE CASCADE
);
