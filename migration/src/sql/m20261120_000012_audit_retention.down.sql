DROP FUNCTION audit.remove_expired(bigint);
DROP INDEX audit.logs_retention_idx;

CREATE OR REPLACE FUNCTION audit.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'audit.logs is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
