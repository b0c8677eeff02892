-- What is private stays unseen: in the tree, in tags and in external ids. Content is kept once, with its version, and
-- every filter and order of a list has its index.

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA content;

-- Below a private document stands nothing that others may read, and nothing private of anybody else: what does so far
-- moves up to the first document above that is not private.
WITH RECURSIVE misplaced AS (
    SELECT d.id, p.parent_id AS above
    FROM content.documents d JOIN content.documents p ON p.id = d.parent_id
    WHERE p.visibility = 'private' AND (d.visibility <> 'private' OR d.owner_id <> p.owner_id)
    UNION ALL
    SELECT misplaced.id, p.parent_id
    FROM misplaced JOIN content.documents p ON p.id = misplaced.above
    WHERE p.visibility = 'private'
)
UPDATE content.documents SET parent_id = misplaced.above, version = documents.version + 1
FROM misplaced LEFT JOIN content.documents p ON p.id = misplaced.above
WHERE content.documents.id = misplaced.id AND coalesce(p.visibility, 'space') <> 'private';

-- An external id is unique among what the members of a space share, and for each of them among what is private.
DROP INDEX content.documents_external_id_key;
CREATE UNIQUE INDEX documents_shared_external_id_key ON content.documents (space_id, external_id, coalesce(source, ''))
    WHERE deleted_at IS NULL AND external_id IS NOT NULL AND visibility <> 'private';
CREATE UNIQUE INDEX documents_private_external_id_key
    ON content.documents (space_id, owner_id, external_id, coalesce(source, ''))
    WHERE deleted_at IS NULL AND external_id IS NOT NULL AND visibility = 'private';

-- Who sees a tag: whoever has a role in its space, if somebody made it for the space, and whoever may read a document
-- that carries it. `reach` is the widest of those readers: nobody but owners, the space's editors, who see the trash,
-- everyone with a role in the space, the organization, or everyone. `private_owner_ids` are the owners of what is private.
ALTER TABLE content.tags
    ADD COLUMN is_explicit boolean NOT NULL DEFAULT false,
    ADD COLUMN reach text NOT NULL DEFAULT 'owners'
        CONSTRAINT tags_reach_values CHECK (reach IN ('owners', 'editors', 'readers', 'organization', 'everyone')),
    ADD COLUMN private_owner_ids uuid[] NOT NULL DEFAULT '{}';

-- Whom a document reaches.
CREATE FUNCTION content.reach(visibility text, deleted_at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN visibility = 'private' THEN 'owners'
        WHEN deleted_at IS NOT NULL THEN 'editors'
        WHEN visibility = 'space' THEN 'readers'
        WHEN visibility = 'organization' THEN 'organization'
        ELSE 'everyone'
    END
$$;

CREATE FUNCTION content.breadth(reach text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_position(ARRAY['owners', 'editors', 'readers', 'organization', 'everyone'], reach)
$$;

-- The widest reach of the documents that carry the tag, up to the one given.
CREATE FUNCTION content.widest_reach(tag uuid, widest text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wide text;
BEGIN
    FOREACH wide IN ARRAY ARRAY['everyone', 'organization', 'readers', 'editors'] LOOP
        CONTINUE WHEN content.breadth(wide) > content.breadth(widest);
        IF EXISTS (
            SELECT FROM content.document_tags c JOIN content.documents d ON d.id = c.document_id
            WHERE c.tag_id = tag AND content.reach(d.visibility, d.deleted_at) = wide
        ) THEN
            RETURN wide;
        END IF;
    END LOOP;
    RETURN 'owners';
END
$$;

CREATE FUNCTION content.show_tags(tag_ids uuid[], seen_by text, owner uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM content.tags WHERE id = ANY (tag_ids) ORDER BY id FOR NO KEY UPDATE;
    IF seen_by = 'owners' THEN
        UPDATE content.tags SET private_owner_ids = private_owner_ids || owner
        WHERE id = ANY (tag_ids) AND owner <> ALL (private_owner_ids);
    ELSE
        UPDATE content.tags SET reach = seen_by
        WHERE id = ANY (tag_ids) AND content.breadth(reach) < content.breadth(seen_by);
    END IF;
END
$$;

CREATE FUNCTION content.hide_tags(tag_ids uuid[], seen_by text, owner uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM content.tags WHERE id = ANY (tag_ids) ORDER BY id FOR NO KEY UPDATE;
    IF seen_by = 'owners' THEN
        UPDATE content.tags t SET private_owner_ids = array_remove(private_owner_ids, owner)
        WHERE id = ANY (tag_ids) AND owner = ANY (private_owner_ids) AND NOT EXISTS (
            SELECT FROM content.document_tags c JOIN content.documents d ON d.id = c.document_id
            WHERE c.tag_id = t.id AND d.owner_id = owner AND d.visibility = 'private'
        );
    ELSE
        -- Of many documents that go at once, the first finds what is left and the others find nothing to do.
        UPDATE content.tags SET reach = content.widest_reach(id, reach) WHERE id = ANY (tag_ids) AND reach = seen_by;
    END IF;
END
$$;

CREATE FUNCTION content.show_document_tags() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    carried record;
BEGIN
    IF TG_OP = 'INSERT' THEN
        FOR carried IN
            SELECT content.reach(visibility, deleted_at) AS seen_by, owner_id, array_agg(tag_id) AS tag_ids
            FROM new_rows JOIN content.documents ON id = document_id GROUP BY 1, 2 ORDER BY 1, 2
        LOOP
            PERFORM content.show_tags(carried.tag_ids, carried.seen_by, carried.owner_id);
        END LOOP;
    ELSE
        FOR carried IN
            SELECT content.reach(visibility, deleted_at) AS seen_by, owner_id, array_agg(tag_id) AS tag_ids
            FROM old_rows JOIN content.documents ON id = document_id GROUP BY 1, 2 ORDER BY 1, 2
        LOOP
            PERFORM content.hide_tags(carried.tag_ids, carried.seen_by, carried.owner_id);
        END LOOP;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER show_tags_on_insert AFTER INSERT ON content.document_tags
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION content.show_document_tags();
CREATE TRIGGER show_tags_on_delete AFTER DELETE ON content.document_tags
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION content.show_document_tags();

CREATE FUNCTION content.show_changed_tags() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    carried uuid[] := ARRAY(SELECT tag_id FROM content.document_tags WHERE document_id = NEW.id);
BEGIN
    IF carried <> '{}' THEN
        PERFORM content.show_tags(carried, content.reach(NEW.visibility, NEW.deleted_at), NEW.owner_id);
        PERFORM content.hide_tags(carried, content.reach(OLD.visibility, OLD.deleted_at), OLD.owner_id);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER show_changed_tags AFTER UPDATE OF visibility, owner_id, deleted_at ON content.documents
    FOR EACH ROW WHEN (
        (NEW.visibility, NEW.owner_id, NEW.deleted_at IS NULL)
            IS DISTINCT FROM (OLD.visibility, OLD.owner_id, OLD.deleted_at IS NULL)
    )
    EXECUTE FUNCTION content.show_changed_tags();

DROP TRIGGER audit ON content.tags;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON content.tags
    FOR EACH ROW EXECUTE FUNCTION audit.record('usage_count', 'reach', 'private_owner_ids');

-- One way to write a color. Tags that nothing carries were made for their space, as far as anybody can tell.
ALTER TABLE content.tags DROP CONSTRAINT tags_color_format, ALTER COLUMN color SET DEFAULT '#3b82f6';
UPDATE content.tags t SET
    color = lower(color),
    reach = content.widest_reach(id, 'everyone'),
    private_owner_ids = ARRAY(
        SELECT DISTINCT owner_id FROM content.document_tags c JOIN content.documents d ON d.id = c.document_id
        WHERE c.tag_id = t.id AND d.visibility = 'private'
    ),
    is_explicit = NOT EXISTS (SELECT FROM content.document_tags c WHERE c.tag_id = t.id);
ALTER TABLE content.tags ADD CONSTRAINT tags_color_format CHECK (color ~ '^#[0-9a-f]{6}$');

-- The source is the one copy of a text; what is searched is made of it. `version` is the one of the document that
-- the source was written with.
ALTER TABLE content.document_contents ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE content.document_contents DISABLE TRIGGER USER;
UPDATE content.document_contents c SET version = d.version FROM content.documents d WHERE d.id = c.document_id;
ALTER TABLE content.document_contents ENABLE TRIGGER USER;

CREATE OR REPLACE FUNCTION content.index_text() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.search_vector := (
        SELECT content.search_vector(title, description, NEW.source) FROM content.documents WHERE id = NEW.document_id
    );
    RETURN NEW;
END
$$;
DROP TRIGGER index_text ON content.document_contents;
CREATE TRIGGER index_text BEFORE INSERT OR UPDATE OF source ON content.document_contents
    FOR EACH ROW EXECUTE FUNCTION content.index_text();

CREATE OR REPLACE FUNCTION content.index_heading() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE content.document_contents SET search_vector = content.search_vector(NEW.title, NEW.description, source)
    WHERE document_id = NEW.id;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION content.record_contents() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    subject content.document_contents := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    changes jsonb;
BEGIN
    IF TG_OP = 'UPDATE' AND octet_length(OLD.source) = octet_length(NEW.source)
        AND OLD.space_id = NEW.space_id AND OLD.source = NEW.source
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
ALTER TABLE content.document_contents DROP COLUMN text;

-- Filters and orders that had no index, and indexes that nothing asks for.
CREATE INDEX documents_title_words_idx ON content.documents USING gin (title content.gin_trgm_ops)
    WHERE deleted_at IS NULL;
CREATE INDEX documents_space_visibility_idx ON content.documents (space_id, visibility, updated_at DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX documents_space_source_idx ON content.documents (space_id, source) WHERE deleted_at IS NULL AND source IS NOT NULL;
CREATE INDEX documents_space_external_id_idx ON content.documents (space_id, external_id)
    WHERE deleted_at IS NULL AND external_id IS NOT NULL;
CREATE INDEX documents_space_word_count_idx ON content.documents (space_id, word_count, id) WHERE deleted_at IS NULL;
CREATE INDEX documents_space_position_idx ON content.documents (space_id, position, id) WHERE deleted_at IS NULL;
CREATE INDEX documents_owner_title_idx ON content.documents (owner_id, title, id) WHERE deleted_at IS NULL;
CREATE INDEX documents_owner_position_idx ON content.documents (owner_id, position, id) WHERE deleted_at IS NULL;
DROP INDEX content.documents_parent_idx;
CREATE INDEX documents_parent_idx ON content.documents (parent_id, position, id) WHERE parent_id IS NOT NULL;
DROP INDEX
    content.documents_space_slug_idx,
    content.documents_public_idx,
    content.documents_content_hash_idx,
    content.documents_metadata_idx,
    content.tags_created_idx,
    content.tags_usage_count_idx;

-- What the audit log tells is of a transaction, and nobody who follows the organization itself needs to hear it.
CREATE OR REPLACE FUNCTION audit.announce(organization uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    announced text := coalesce(current_setting('app.audited_organizations', true), '');
    event uuid := gen_random_uuid();
BEGIN
    IF position(organization::text IN announced) > 0 THEN
        RETURN;
    END IF;
    PERFORM set_config('app.audited_organizations', announced || organization::text, true);
    INSERT INTO platform.outbox (
        event_id, event_type, stream, actor_type, actor_id, resource_type, resource_id, organization_id, payload, request_id
    ) VALUES (
        event, 'audit.recorded', 'audit',
        coalesce(nullif(current_setting('app.actor_type', true), ''), 'system'),
        nullif(current_setting('app.actor_id', true), '')::uuid,
        'audit_log', event, organization,
        -- The moment spares a follower the partitions before it.
        jsonb_build_object('transaction_id', pg_current_xact_id()::text, 'since', now()),
        nullif(current_setting('app.request_id', true), '')::uuid
    );
END
$$;
