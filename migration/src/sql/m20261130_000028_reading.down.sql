ALTER FUNCTION content.untag() RESET app.untagging;
DROP TRIGGER list_tags_on_delete ON content.document_tags;
DROP TRIGGER list_tags_on_insert ON content.document_tags;
DROP FUNCTION content.list_document_tags();

DROP TRIGGER audit ON content.documents;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON content.documents
    FOR EACH ROW EXECUTE FUNCTION audit.record('last_accessed_at');

ALTER TABLE content.documents DROP COLUMN tag_ids;
