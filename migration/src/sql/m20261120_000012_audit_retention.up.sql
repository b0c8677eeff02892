-- Audit entries leave when their time is over. Only the owner of the schema can remove them, and only through
-- audit.remove_expired: the server's role has no right to delete, whatever it sets.

CREATE OR REPLACE FUNCTION audit.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('audit.removes_expired', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit.logs is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE INDEX logs_retention_idx ON audit.logs (created_at) WHERE retention_days IS NOT NULL;

-- Removes entries whose time is over, as many as `most` at once, and months that are past and hold none any more;
-- gives the number of entries. What an entry says of itself comes first, then what its organization has set; what
-- belongs to no organization stays for a year.
CREATE FUNCTION audit.remove_expired(most bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    removed bigint;
    partition text;
    occupied boolean;
BEGIN
    PERFORM set_config('audit.removes_expired', 'on', true);
    WITH expired AS (
        SELECT entry.id, entry.created_at
        FROM tenancy.organizations AS organization
        CROSS JOIN LATERAL (
            SELECT id, created_at FROM audit.logs
            WHERE organization_id = organization.id AND retention_days IS NULL
                AND created_at < now() - make_interval(
                    days => coalesce((organization.settings ->> 'auditRetentionDays')::integer, 90))
            LIMIT most
        ) AS entry
        UNION ALL
        SELECT id, created_at FROM audit.logs
        WHERE organization_id IS NULL AND retention_days IS NULL AND created_at < now() - interval '365 days'
        UNION ALL
        SELECT id, created_at FROM audit.logs
        WHERE retention_days IS NOT NULL AND created_at < now() - make_interval(days => retention_days)
        LIMIT most
    )
    DELETE FROM audit.logs USING expired WHERE logs.id = expired.id AND logs.created_at = expired.created_at;
    GET DIAGNOSTICS removed = ROW_COUNT;
    PERFORM set_config('audit.removes_expired', '', true);
    IF removed = 0 THEN
        FOR partition IN
            SELECT child.relname FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
            WHERE inhparent = 'audit.logs'::regclass AND child.relname ~ '^logs_\d{4}_\d{2}$'
                AND to_date(substr(child.relname, 6), 'YYYY_MM') + interval '2 months' < now()
        LOOP
            EXECUTE format('SELECT EXISTS (SELECT FROM audit.%I)', partition) INTO occupied;
            IF NOT occupied THEN
                EXECUTE format('DROP TABLE audit.%I', partition);
            END IF;
        END LOOP;
    END IF;
    RETURN removed;
END
$$;
REVOKE ALL ON FUNCTION audit.remove_expired(bigint) FROM PUBLIC;
