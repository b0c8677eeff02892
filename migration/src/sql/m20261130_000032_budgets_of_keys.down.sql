DROP TRIGGER set_key_creator ON metering.budgets;
DROP FUNCTION metering.set_key_creator();
ALTER TABLE metering.budgets DROP COLUMN key_creator_id;
