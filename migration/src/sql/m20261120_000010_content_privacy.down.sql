CREATE INDEX tags_usage_count_idx ON content.tags (space_id, usage_count DESC, id DESC);
CREATE INDEX tags_created_idx ON content.tags (space_id, created_at DESC, id DESC);
CREATE INDEX documents_metadata_idx ON content.documents USING gin (metadata jsonb_path_ops);
CREATE INDEX documents_content_hash_idx ON content.documents (content_hash) WHERE content_hash IS NOT NULL;
CREATE INDEX documents_public_idx ON content.documents (updated_at DESC, id DESC)
    WHERE deleted_at IS NULL AND visibility = 'public';
CREATE INDEX documents_space_slug_idx ON content.documents (space_id, slug) WHERE deleted_at IS NULL AND slug IS NOT NULL;
DROP INDEX content.documents_parent_idx;
CREATE INDEX documents_parent_idx ON content.documents (parent_id) WHERE parent_id IS NOT NULL;
DROP INDEX
    content.documents_title_words_idx,
    content.documents_space_visibility_idx,
    content.documents_space_source_idx,
    content.documents_space_external_id_idx,
    content.documents_space_word_count_idx,
    content.documents_space_position_idx,
    content.documents_owner_title_idx,
    content.documents_owner_position_idx;

ALTER TABLE content.document_contents ADD COLUMN text text NOT NULL DEFAULT '';
ALTER TABLE content.document_contents DISABLE TRIGGER USER;
UPDATE content.document_contents SET text = source;
ALTER TABLE content.document_contents ENABLE TRIGGER USER;
ALTER TABLE content.document_contents DROP COLUMN version;

CREATE OR REPLACE FUNCTION content.record_contents() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    subject content.document_contents := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    changes jsonb;
BEGIN
    IF TG_OP = 'UPDATE' AND octet_length(OLD.source) = octet_length(NEW.source)
        AND octet_length(OLD.text) = octet_length(NEW.text)
        AND OLD.space_id = NEW.space_id AND OLD.source = NEW.source AND OLD.text = NEW.text
    THEN
        RETURN NULL;
    END IF;
    changes := jsonb_build_object(
        'source', CASE TG_OP
            WHEN 'INSERT' THEN jsonb_build_object('new_bytes', octet_length(NEW.source))
            WHEN 'DELETE' THEN jsonb_build_object('old_bytes', octet_length(OLD.source))
            ELSE jsonb_build_object('old_bytes', octet_length(OLD.source), 'new_bytes', octet_length(NEW.source))
        END
    );
    IF TG_OP = 'UPDATE' AND OLD.space_id <> NEW.space_id THEN
        changes := changes || jsonb_build_object(
            'space_id', jsonb_build_object('old', OLD.space_id, 'new', NEW.space_id)
        );
    END IF;
    PERFORM audit.write(
        TG_TABLE_SCHEMA,
        TG_TABLE_NAME,
        CASE TG_OP WHEN 'INSERT' THEN 'create' WHEN 'UPDATE' THEN 'update' ELSE 'delete' END,
        subject.document_id, subject.organization_id, NULL, subject.space_id, changes, false
    );
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION content.index_heading() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE content.document_contents SET search_vector = content.search_vector(NEW.title, NEW.description, text)
    WHERE document_id = NEW.id;
    RETURN NULL;
END
$$;

DROP TRIGGER index_text ON content.document_contents;
CREATE OR REPLACE FUNCTION content.index_text() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.search_vector := (
        SELECT content.search_vector(title, description, NEW.text) FROM content.documents WHERE id = NEW.document_id
    );
    RETURN NEW;
END
$$;
CREATE TRIGGER index_text BEFORE INSERT OR UPDATE OF text ON content.document_contents
    FOR EACH ROW EXECUTE FUNCTION content.index_text();

ALTER TABLE content.tags DROP CONSTRAINT tags_color_format, ALTER COLUMN color SET DEFAULT '#3B82F6';
ALTER TABLE content.tags ADD CONSTRAINT tags_color_format CHECK (color ~* '^#[0-9a-f]{6}$');
DROP TRIGGER show_changed_tags ON content.documents;
DROP TRIGGER show_tags_on_delete ON content.document_tags;
DROP TRIGGER show_tags_on_insert ON content.document_tags;
DROP FUNCTION content.show_changed_tags();
DROP FUNCTION content.show_document_tags();
DROP FUNCTION content.hide_tags(uuid[], text, uuid);
DROP FUNCTION content.show_tags(uuid[], text, uuid);
DROP FUNCTION content.widest_reach(uuid, text);
DROP FUNCTION content.breadth(text);
DROP FUNCTION content.reach(text, timestamptz);
DROP TRIGGER audit ON content.tags;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON content.tags
    FOR EACH ROW EXECUTE FUNCTION audit.record('usage_count');
ALTER TABLE content.tags DROP COLUMN private_owner_ids, DROP COLUMN reach, DROP COLUMN is_explicit;

-- Of documents with one external id, which may now stand beside each other, the oldest keeps it.
UPDATE content.documents d SET external_id = NULL
WHERE deleted_at IS NULL AND external_id IS NOT NULL AND EXISTS (
    SELECT FROM content.documents other
    WHERE other.space_id = d.space_id AND other.external_id = d.external_id AND other.deleted_at IS NULL
        AND coalesce(other.source, '') = coalesce(d.source, '') AND other.id < d.id
);
DROP INDEX content.documents_private_external_id_key;
DROP INDEX content.documents_shared_external_id_key;
CREATE UNIQUE INDEX documents_external_id_key ON content.documents (space_id, coalesce(source, ''), external_id)
    WHERE deleted_at IS NULL AND external_id IS NOT NULL;

DROP EXTENSION pg_trgm;

CREATE OR REPLACE FUNCTION audit.announce(organization uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    announced text := coalesce(current_setting('app.audited_organizations', true), '');
BEGIN
    IF position(organization::text IN announced) > 0 THEN
        RETURN;
    END IF;
    PERFORM set_config('app.audited_organizations', announced || organization::text, true);
    INSERT INTO platform.outbox (
        event_id, event_type, stream, actor_type, actor_id, resource_type, resource_id, organization_id, payload, request_id
    ) VALUES (
        gen_random_uuid(), 'audit.recorded', 'audit',
        coalesce(nullif(current_setting('app.actor_type', true), ''), 'system'),
        nullif(current_setting('app.actor_id', true), '')::uuid,
        'audit_log', organization, organization,
        -- The moment spares a follower the partitions before it.
        jsonb_build_object('transaction_id', pg_current_xact_id()::text, 'since', now()),
        nullif(current_setting('app.request_id', true), '')::uuid
    );
END
$$;
