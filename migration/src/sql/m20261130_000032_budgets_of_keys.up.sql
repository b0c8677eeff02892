-- What a key uses is used in the name of who created it: they see what is left of its budgets.
ALTER TABLE metering.budgets ADD COLUMN key_creator_id uuid
    CONSTRAINT budgets_key_creator_is_of_keys CHECK (key_creator_id IS NULL OR subject_type = 'key');
UPDATE metering.budgets SET key_creator_id = keys.created_by
FROM governance.api_keys AS keys WHERE subject_type = 'key' AND keys.id = subject_id;

CREATE FUNCTION metering.set_key_creator() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT created_by INTO NEW.key_creator_id FROM governance.api_keys WHERE id = NEW.subject_id;
    RETURN NEW;
END
$$;
CREATE TRIGGER set_key_creator BEFORE INSERT ON metering.budgets
    FOR EACH ROW WHEN (NEW.subject_type = 'key') EXECUTE FUNCTION metering.set_key_creator();
