-- A document says itself which tags it carries, so that whoever has read it need not look for them. `tag_ids` is what
-- `document_tags` holds for it, in no order.
ALTER TABLE content.documents ADD COLUMN tag_ids uuid[] NOT NULL DEFAULT '{}';

ALTER TABLE content.documents DISABLE TRIGGER USER;
UPDATE content.documents SET tag_ids = carried.tag_ids
FROM (SELECT document_id, array_agg(tag_id) AS tag_ids FROM content.document_tags GROUP BY document_id) AS carried
WHERE id = carried.document_id;
ALTER TABLE content.documents ENABLE TRIGGER USER;

-- The log names each tag that is put on a document or taken off it already.
DROP TRIGGER audit ON content.documents;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON content.documents
    FOR EACH ROW EXECUTE FUNCTION audit.record('last_accessed_at', 'tag_ids');

-- Documents are locked in one order before they are changed. A document that is about to be deleted cannot be changed
-- any more, and need not: `untag` says so.
CREATE FUNCTION content.list_document_tags() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM FROM content.documents WHERE id IN (SELECT document_id FROM new_rows) ORDER BY id FOR NO KEY UPDATE;
        UPDATE content.documents d SET tag_ids = d.tag_ids || added.tag_ids
        FROM (SELECT document_id, array_agg(tag_id) AS tag_ids FROM new_rows GROUP BY document_id) AS added
        WHERE d.id = added.document_id;
    ELSIF current_setting('app.untagging', true) IS DISTINCT FROM 'on' THEN
        PERFORM FROM content.documents WHERE id IN (SELECT document_id FROM old_rows) ORDER BY id FOR NO KEY UPDATE;
        UPDATE content.documents d
        SET tag_ids = ARRAY(SELECT unnest(d.tag_ids) EXCEPT SELECT unnest(removed.tag_ids))
        FROM (SELECT document_id, array_agg(tag_id) AS tag_ids FROM old_rows GROUP BY document_id) AS removed
        WHERE d.id = removed.document_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER list_tags_on_insert AFTER INSERT ON content.document_tags
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION content.list_document_tags();
CREATE TRIGGER list_tags_on_delete AFTER DELETE ON content.document_tags
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION content.list_document_tags();

ALTER FUNCTION content.untag() SET app.untagging = 'on';
