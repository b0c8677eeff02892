-- What people write: documents, their wide content apart from them, and tags.

CREATE SCHEMA content;
GRANT USAGE ON SCHEMA content TO trellis_server;
ALTER DEFAULT PRIVILEGES IN SCHEMA content GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO trellis_server;

CREATE TABLE content.documents (
    id uuid CONSTRAINT documents_pkey PRIMARY KEY,
    organization_id uuid,
    space_id uuid NOT NULL CONSTRAINT documents_space_fkey REFERENCES tenancy.spaces ON DELETE CASCADE,
    parent_id uuid,
    owner_id uuid NOT NULL CONSTRAINT documents_owner_fkey REFERENCES identity.users,
    created_by uuid CONSTRAINT documents_created_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    updated_by uuid CONSTRAINT documents_updated_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    kind text NOT NULL DEFAULT 'document' CONSTRAINT documents_kind_values CHECK (kind IN ('document', 'note')),
    format text NOT NULL DEFAULT 'markdown' CONSTRAINT documents_format_values CHECK (format IN ('markdown', 'blocks')),
    title varchar(500) NOT NULL CONSTRAINT documents_title_not_empty CHECK (btrim(title) <> ''),
    slug varchar(500),
    description text CONSTRAINT documents_description_length CHECK (char_length(description) <= 10000),
    status text NOT NULL DEFAULT 'draft' CONSTRAINT documents_status_values
        CHECK (status IN ('draft', 'published', 'archived')),
    visibility text NOT NULL DEFAULT 'private' CONSTRAINT documents_visibility_values
        CHECK (visibility IN ('private', 'space', 'organization', 'public')),
    language_code varchar(10) CONSTRAINT documents_language_code_valid CHECK (language_code ~ '^[a-z]{2}(-[A-Z]{2})?$'),
    is_template boolean NOT NULL DEFAULT false,
    source varchar(100),
    external_id text CONSTRAINT documents_external_id_length CHECK (char_length(external_id) BETWEEN 1 AND 1000),
    metadata jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT documents_metadata_is_object CHECK (jsonb_typeof(metadata) = 'object'),
    file_type varchar(50),
    file_size_bytes bigint CONSTRAINT documents_file_size_not_negative CHECK (file_size_bytes >= 0),
    render_format text NOT NULL DEFAULT 'html' CONSTRAINT documents_render_format_values
        CHECK (render_format IN ('html', 'markdown')),
    -- A fractional index among siblings: there is always room between two of them. Compared byte by byte.
    position text COLLATE "C" NOT NULL CONSTRAINT documents_position_not_empty CHECK (position <> ''),
    word_count integer NOT NULL DEFAULT 0,
    -- In characters; size_bytes is the same in bytes of UTF-8.
    content_length integer NOT NULL DEFAULT 0,
    size_bytes integer NOT NULL DEFAULT 0,
    content_hash bytea CONSTRAINT documents_content_hash_is_sha256 CHECK (octet_length(content_hash) = 32),
    version integer NOT NULL DEFAULT 1,
    published_at timestamptz,
    archived_at timestamptz,
    last_accessed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT documents_space_id_key UNIQUE (id, space_id),
    CONSTRAINT documents_not_own_parent CHECK (parent_id <> id),
    -- A child lives in its parent's space: it moves along to another one, and outlives a parent that is purged.
    CONSTRAINT documents_parent_fkey FOREIGN KEY (parent_id, space_id)
        REFERENCES content.documents (id, space_id) ON UPDATE CASCADE ON DELETE SET NULL (parent_id)
);

-- Lists are read by keyset, (sort column, id) both in one direction, so each index serves both directions.
CREATE INDEX documents_space_updated_idx ON content.documents (space_id, updated_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX documents_space_created_idx ON content.documents (space_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX documents_space_title_idx ON content.documents (space_id, title, id) WHERE deleted_at IS NULL;
CREATE INDEX documents_space_status_idx ON content.documents (space_id, status, updated_at DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX documents_space_kind_idx ON content.documents (space_id, kind, updated_at DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX documents_space_language_idx ON content.documents (space_id, language_code, updated_at DESC, id DESC)
    WHERE deleted_at IS NULL AND language_code IS NOT NULL;
CREATE INDEX documents_space_slug_idx ON content.documents (space_id, slug) WHERE deleted_at IS NULL AND slug IS NOT NULL;
CREATE INDEX documents_tree_idx ON content.documents (space_id, parent_id, position, id) WHERE deleted_at IS NULL;
CREATE INDEX documents_parent_idx ON content.documents (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX documents_trash_idx ON content.documents (space_id, deleted_at DESC, id DESC) WHERE deleted_at IS NOT NULL;
CREATE INDEX documents_owner_updated_idx ON content.documents (owner_id, updated_at DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX documents_owner_created_idx ON content.documents (owner_id, created_at DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX documents_organization_updated_idx ON content.documents (organization_id, updated_at DESC, id DESC)
    WHERE deleted_at IS NULL AND organization_id IS NOT NULL;
CREATE INDEX documents_public_idx ON content.documents (updated_at DESC, id DESC)
    WHERE deleted_at IS NULL AND visibility = 'public';
CREATE INDEX documents_template_idx ON content.documents (space_id, updated_at DESC, id DESC)
    WHERE deleted_at IS NULL AND is_template;
CREATE UNIQUE INDEX documents_external_id_key ON content.documents (space_id, coalesce(source, ''), external_id)
    WHERE deleted_at IS NULL AND external_id IS NOT NULL;
CREATE INDEX documents_content_hash_idx ON content.documents (content_hash) WHERE content_hash IS NOT NULL;
CREATE INDEX documents_metadata_idx ON content.documents USING gin (metadata jsonb_path_ops);

CREATE TABLE content.document_contents (
    document_id uuid CONSTRAINT document_contents_pkey PRIMARY KEY,
    organization_id uuid,
    space_id uuid NOT NULL,
    source text NOT NULL DEFAULT ''
        CONSTRAINT document_contents_source_size CHECK (octet_length(source) <= 10485760),
    text text NOT NULL DEFAULT '',
    search_vector tsvector NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT document_contents_document_fkey FOREIGN KEY (document_id, space_id)
        REFERENCES content.documents (id, space_id) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX document_contents_space_idx ON content.document_contents (space_id);
CREATE INDEX document_contents_search_idx ON content.document_contents USING gin (search_vector);

CREATE TABLE content.tags (
    id uuid CONSTRAINT tags_pkey PRIMARY KEY,
    organization_id uuid,
    space_id uuid NOT NULL CONSTRAINT tags_space_fkey REFERENCES tenancy.spaces ON DELETE CASCADE,
    name varchar(50) NOT NULL CONSTRAINT tags_name_not_empty CHECK (btrim(name) <> ''),
    slug varchar(50) NOT NULL CONSTRAINT tags_slug_not_empty CHECK (btrim(slug) <> ''),
    color varchar(7) NOT NULL DEFAULT '#3B82F6' CONSTRAINT tags_color_format CHECK (color ~* '^#[0-9a-f]{6}$'),
    description text CONSTRAINT tags_description_length CHECK (char_length(description) <= 10000),
    usage_count integer NOT NULL DEFAULT 0 CONSTRAINT tags_usage_count_not_negative CHECK (usage_count >= 0),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tags_slug_key UNIQUE (space_id, slug),
    CONSTRAINT tags_space_id_key UNIQUE (id, space_id)
);
CREATE UNIQUE INDEX tags_name_key ON content.tags (space_id, lower(name));
CREATE INDEX tags_name_idx ON content.tags (space_id, name, id);
CREATE INDEX tags_created_idx ON content.tags (space_id, created_at DESC, id DESC);
CREATE INDEX tags_usage_count_idx ON content.tags (space_id, usage_count DESC, id DESC);

-- A document carries tags of its own space only. Take them off before the document moves to another one.
CREATE TABLE content.document_tags (
    document_id uuid NOT NULL,
    tag_id uuid NOT NULL,
    organization_id uuid,
    space_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT document_tags_pkey PRIMARY KEY (document_id, tag_id),
    CONSTRAINT document_tags_document_fkey FOREIGN KEY (document_id, space_id)
        REFERENCES content.documents (id, space_id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT document_tags_tag_fkey FOREIGN KEY (tag_id, space_id)
        REFERENCES content.tags (id, space_id) ON DELETE CASCADE
);
CREATE INDEX document_tags_tag_idx ON content.document_tags (tag_id, document_id);

-- organization_id, and for the parts of a document its space_id, are filled in here: they can be relied on.
CREATE TRIGGER set_organization BEFORE INSERT OR UPDATE OF space_id, organization_id ON content.documents
    FOR EACH ROW EXECUTE FUNCTION tenancy.set_organization('space');
CREATE TRIGGER set_organization BEFORE INSERT OR UPDATE OF space_id, organization_id ON content.tags
    FOR EACH ROW EXECUTE FUNCTION tenancy.set_organization('space');

CREATE FUNCTION content.set_space() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT space_id, organization_id INTO NEW.space_id, NEW.organization_id
    FROM content.documents WHERE id = NEW.document_id;
    RETURN NEW;
END
$$;
CREATE TRIGGER set_space BEFORE INSERT OR UPDATE OF document_id, space_id, organization_id ON content.document_contents
    FOR EACH ROW EXECUTE FUNCTION content.set_space();
CREATE TRIGGER set_space BEFORE INSERT OR UPDATE OF document_id, space_id, organization_id ON content.document_tags
    FOR EACH ROW EXECUTE FUNCTION content.set_space();

-- Title A, description B, text C. A tsvector holds at most 1 MB, so only the beginning of a very long text is
-- searchable: the longest of a few beginnings that fits. A write never fails because of it.
CREATE FUNCTION content.search_vector(title text, description text, text text) RETURNS tsvector
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
DECLARE
    heading tsvector := setweight(to_tsvector('english', title), 'A')
        || setweight(to_tsvector('english', coalesce(description, '')), 'B');
    length integer;
BEGIN
    FOREACH length IN ARRAY ARRAY[400000, 150000, 50000] LOOP
        BEGIN
            RETURN heading || setweight(to_tsvector('english', left(text, length)), 'C');
        EXCEPTION WHEN program_limit_exceeded THEN
            NULL;
        END;
    END LOOP;
    RETURN heading;
END
$$;

CREATE FUNCTION content.index_text() RETURNS trigger
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

CREATE FUNCTION content.index_heading() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE content.document_contents SET search_vector = content.search_vector(NEW.title, NEW.description, text)
    WHERE document_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER index_heading AFTER UPDATE OF title, description ON content.documents
    FOR EACH ROW WHEN ((NEW.title, NEW.description) IS DISTINCT FROM (OLD.title, OLD.description))
    EXECUTE FUNCTION content.index_heading();

-- usage_count counts the documents outside the trash. Tags are locked in one order before they are counted.
CREATE FUNCTION content.count_tags(tag_ids uuid[], difference integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM content.tags WHERE id = ANY (tag_ids) ORDER BY id FOR NO KEY UPDATE;
    UPDATE content.tags SET usage_count = usage_count + difference * counted.documents
    FROM (SELECT tag_id, count(*)::integer AS documents FROM unnest(tag_ids) AS tag_id GROUP BY tag_id) AS counted
    WHERE id = counted.tag_id;
END
$$;

CREATE FUNCTION content.count_document_tags() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM content.count_tags(ARRAY(
            SELECT tag_id FROM new_rows JOIN content.documents ON id = document_id WHERE deleted_at IS NULL
        ), 1);
    ELSE
        PERFORM content.count_tags(ARRAY(
            SELECT tag_id FROM old_rows JOIN content.documents ON id = document_id WHERE deleted_at IS NULL
        ), -1);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER count_tags_on_insert AFTER INSERT ON content.document_tags
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION content.count_document_tags();
CREATE TRIGGER count_tags_on_delete AFTER DELETE ON content.document_tags
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION content.count_document_tags();

CREATE FUNCTION content.count_trashed_tags() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM content.count_tags(
        ARRAY(SELECT tag_id FROM content.document_tags WHERE document_id = NEW.id),
        CASE WHEN NEW.deleted_at IS NULL THEN 1 ELSE -1 END
    );
    RETURN NULL;
END
$$;
CREATE TRIGGER count_trashed_tags AFTER UPDATE OF deleted_at ON content.documents
    FOR EACH ROW WHEN ((NEW.deleted_at IS NULL) <> (OLD.deleted_at IS NULL))
    EXECUTE FUNCTION content.count_trashed_tags();

-- Takes the tags off while the document is still there to say whether they were counted.
CREATE FUNCTION content.untag() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM content.document_tags WHERE document_id = OLD.id;
    RETURN OLD;
END
$$;
CREATE TRIGGER untag BEFORE DELETE ON content.documents FOR EACH ROW EXECUTE FUNCTION content.untag();

-- The text itself is not copied into the audit log, only how much of it there was.
CREATE FUNCTION content.record_contents() RETURNS trigger
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

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON content.documents
    FOR EACH ROW EXECUTE FUNCTION audit.record('last_accessed_at');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON content.document_contents
    FOR EACH ROW EXECUTE FUNCTION content.record_contents();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON content.tags
    FOR EACH ROW EXECUTE FUNCTION audit.record('usage_count');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON content.document_tags
    FOR EACH ROW EXECUTE FUNCTION audit.record();

-- A space that is deleted takes its documents along, and an organization its spaces: whoever could still reach them by
-- a link or through the organization finds nothing. All of them carry the same moment, so that they can come back together.
CREATE FUNCTION content.follow_space() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE content.documents SET deleted_at = NEW.deleted_at WHERE space_id = NEW.id AND deleted_at IS NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER follow_space AFTER UPDATE OF deleted_at ON tenancy.spaces
    FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL) EXECUTE FUNCTION content.follow_space();

CREATE FUNCTION content.follow_organization() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE tenancy.spaces SET deleted_at = NEW.deleted_at WHERE organization_id = NEW.id AND deleted_at IS NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER follow_organization AFTER UPDATE OF deleted_at ON tenancy.organizations
    FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION content.follow_organization();
