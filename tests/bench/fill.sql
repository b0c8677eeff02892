-- Fills an empty, migrated database with what the read benchmark reads: 200 organizations (1 to 200), each of 20
-- people, 5 open spaces and 200 documents, and one more (0) where roles, privacy and the trash make a difference.
-- Deterministic: the same rows at each run, with ids that sort by their making as UUIDv7 do.

BEGIN;

-- The triggers would write an audit entry for each row; what they fill in is filled in here.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'identity.users', 'identity.sessions', 'tenancy.organizations', 'tenancy.members', 'tenancy.spaces',
        'tenancy.space_members', 'content.documents', 'content.document_contents', 'content.tags',
        'content.document_tags'
    ] LOOP
        EXECUTE 'ALTER TABLE ' || name || ' DISABLE TRIGGER USER';
    END LOOP;
END
$$;

-- The id of row `number` of a table: milliseconds from a fixed day, then digits that look random.
CREATE FUNCTION pg_temp.id(kind text, number bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
    SELECT (
        lpad(to_hex(1767225600000 + number * 250), 12, '0')
        || '7' || substr(md5(kind || number), 1, 3)
        || '9' || substr(md5(kind || number), 4, 15)
    )::uuid
$$;

CREATE FUNCTION pg_temp.moment(number bigint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE AS $$
    SELECT timestamptz '2026-01-01 00:00:00+00' + number * interval '250 milliseconds'
$$;

-- One of `choices` whole numbers, the same at each run.
CREATE FUNCTION pg_temp.choice(seed text, choices integer) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$
    SELECT (('x' || substr(md5(seed), 1, 7))::bit(28)::integer) % choices
$$;

CREATE TEMPORARY TABLE people ON COMMIT DROP AS
SELECT
    organization * 20 + person AS number,
    pg_temp.id('user', organization * 20 + person) AS id,
    organization,
    person,
    (ARRAY[
        'Ada', 'Boris', 'Chidi', 'Dunja', 'Elif', 'Farah', 'Goran', 'Hana', 'Ines', 'Jonas',
        'Kavya', 'Lars', 'Mina', 'Noor', 'Omar', 'Petra', 'Quentin', 'Rosa', 'Samir', 'Tess'
    ])[person] || ' ' || (ARRAY[
        'Abara', 'Bergström', 'Castillo', 'Demir', 'Eriksen', 'Fischer', 'Gupta', 'Horvat', 'Ivanova', 'Jansen',
        'Kowalski'
    ])[1 + (organization + person) % 11] AS name
FROM generate_series(0, 200) AS organization, generate_series(1, 20) AS person;

INSERT INTO identity.users (id, email, email_verified, email_verified_at, name, status, created_at, updated_at)
SELECT
    id, 'person-' || person || '@organization-' || organization || '.example', true, pg_temp.moment(number), name,
    'active', pg_temp.moment(number), pg_temp.moment(number)
FROM people;

INSERT INTO tenancy.organizations (id, name, slug, owner_id, created_at, updated_at)
SELECT
    pg_temp.id('organization', organization), 'Organization ' || organization, 'organization-' || organization, id,
    pg_temp.moment(number), pg_temp.moment(number)
FROM people WHERE person = 1;

INSERT INTO tenancy.members (id, organization_id, user_id, role, status, joined_at, created_at, updated_at)
SELECT
    pg_temp.id('member', number), pg_temp.id('organization', organization), id,
    CASE person WHEN 1 THEN 'owner' WHEN 2 THEN 'admin' WHEN 20 THEN 'viewer' ELSE 'member' END, 'active',
    pg_temp.moment(number), pg_temp.moment(number), pg_temp.moment(number)
FROM people;

-- Who reads: the third person of each organization, a plain member; in organization 0 everyone.
-- The end of the id is the number of the organization, so that pgbench can name it.
INSERT INTO identity.sessions (id, user_id, token_hash, family_id, expires_at, created_at)
SELECT
    ('00000000-0000-7000-8' || lpad(CASE person WHEN 3 THEN 0 ELSE person END::text, 3, '0') || '-' || lpad(organization::text, 12, '0'))::uuid,
    id, sha256(id::text::bytea), pg_temp.id('family', number), now() + interval '10 years', now()
FROM people WHERE person = 3 OR organization = 0;

-- Everyone has a personal space.
INSERT INTO tenancy.spaces (id, user_id, name, slug, is_personal, created_by, created_at, updated_at)
SELECT
    pg_temp.id('personal', number), id, 'Personal', 'personal', true, id, pg_temp.moment(number), pg_temp.moment(number)
FROM people;

CREATE TEMPORARY TABLE rooms ON COMMIT DROP AS
SELECT
    organization * 5 + room AS number,
    pg_temp.id('space', organization * 5 + room) AS id,
    organization,
    pg_temp.id('organization', organization) AS organization_id,
    room,
    (ARRAY['Engineering', 'Product', 'Marketing', 'People', 'Finance'])[room] AS name
FROM generate_series(0, 200) AS organization, generate_series(1, 5) AS room;

INSERT INTO tenancy.spaces (
    id, organization_id, name, slug, privacy, default_role, created_by, created_at, updated_at
)
SELECT
    rooms.id, organization_id, rooms.name, lower(rooms.name), 'open',
    CASE WHEN room % 2 = 0 THEN 'editor' ELSE 'reader' END, people.id,
    pg_temp.moment(rooms.number), pg_temp.moment(rooms.number)
FROM rooms JOIN people USING (organization) WHERE person = 1;

-- The founder manages every space, and the reader edits the first.
INSERT INTO tenancy.space_members (id, space_id, organization_id, user_id, role, created_at, updated_at)
SELECT
    pg_temp.id('space member', rooms.number * 4 + person), rooms.id, organization_id, people.id,
    CASE person WHEN 1 THEN 'manager' ELSE 'editor' END,
    pg_temp.moment(rooms.number), pg_temp.moment(rooms.number)
FROM rooms JOIN people USING (organization) WHERE person = 1 OR person = 3 AND room = 1;

INSERT INTO content.tags (id, organization_id, space_id, name, slug, is_explicit, created_at, updated_at)
SELECT
    pg_temp.id('tag', number * 15 + tag), organization_id, id, label, lower(label), true,
    pg_temp.moment(number), pg_temp.moment(number)
FROM rooms, generate_series(0, 14) AS tag, LATERAL (SELECT (ARRAY[
    'Architecture', 'Budget', 'Customers', 'Decisions', 'Draft', 'Experiments', 'Guide', 'Hiring', 'Incident',
    'Meeting', 'Metrics', 'Onboarding', 'Planning', 'Research', 'Security'
])[1 + tag] AS label) AS labels;

CREATE TEMPORARY TABLE writings ON COMMIT DROP AS
SELECT
    rooms.number * 40 + writing AS number,
    pg_temp.id('document', rooms.number * 40 + writing) AS id,
    rooms.id AS space_id,
    rooms.organization,
    rooms.organization_id,
    rooms.number AS room_number,
    rooms.room,
    writing,
    people.id AS owner_id,
    (ARRAY['Notes on', 'A plan for', 'Questions about', 'How we think of', 'What we learnt from', 'Minutes:',
        'Proposal:'])[1 + pg_temp.choice('verb' || rooms.number * 40 + writing, 7)]
    || ' ' ||
    (ARRAY['the spring release', 'onboarding new colleagues', 'our search index', 'the pricing page',
        'moving to one database', 'customer interviews', 'the incident of last week', 'accessibility',
        'the yearly budget', 'faster tests', 'a common vocabulary'])
        [1 + pg_temp.choice('noun' || rooms.number * 40 + writing, 11)] AS title,
    timestamptz '2026-02-01 00:00:00+00'
        + pg_temp.choice('moment' || rooms.number * 40 + writing, 20000000) * interval '1 second'
        + writing * interval '1 microsecond' AS changed_at,
    pg_temp.choice('tags' || rooms.number * 40 + writing, 5) AS tag_count
FROM rooms
CROSS JOIN generate_series(0, 39) AS writing
JOIN people ON people.organization = rooms.organization
    AND people.person = 1 + pg_temp.choice('owner' || rooms.number * 40 + writing, 20);

-- Sentences of the same few words: 1 to 2 kB.
CREATE TEMPORARY TABLE texts ON COMMIT DROP AS
SELECT number, repeat(
    '## ' || title || E'\n\nWhat we decided and why, with the options that were left and what they would have cost. '
    || E'Everyone who reads this later should find the reasons without asking.\n\n',
    6 + pg_temp.choice('length' || number, 4)
) AS text
FROM writings;

-- Steps of four through fifteen tags never meet the same one twice.
INSERT INTO content.documents (
    id, organization_id, space_id, owner_id, created_by, updated_by, title, status, visibility, position,
    word_count, content_length, size_bytes, content_hash, published_at, created_at, updated_at, tag_ids
)
SELECT
    id, organization_id, space_id, owner_id, owner_id, owner_id, title,
    CASE WHEN writing % 3 = 0 THEN 'draft' ELSE 'published' END,
    CASE WHEN writing % 5 = 0 THEN 'organization' ELSE 'space' END,
    'a' || lpad(writing::text, 3, '0'),
    array_length(regexp_split_to_array(text, '\s+'), 1), char_length(text), octet_length(text),
    sha256(text::bytea), CASE WHEN writing % 3 <> 0 THEN changed_at END, changed_at - interval '3 days', changed_at,
    ARRAY(
        SELECT pg_temp.id('tag', room_number * 15 + (number + step * 4) % 15) FROM generate_series(0, 3) AS step
        WHERE step < tag_count
    )
FROM writings JOIN texts USING (number);

INSERT INTO content.document_contents (
    document_id, organization_id, space_id, source, search_vector, created_at, updated_at
)
SELECT
    id, organization_id, space_id, text, setweight(to_tsvector('english', title), 'A'),
    changed_at - interval '3 days', changed_at
FROM writings JOIN texts USING (number);

INSERT INTO content.document_tags (document_id, tag_id, organization_id, space_id, created_at)
SELECT id, unnest(tag_ids), organization_id, space_id, updated_at FROM content.documents;

UPDATE content.tags SET usage_count = used.documents
FROM (SELECT tag_id, count(*) AS documents FROM content.document_tags GROUP BY tag_id) AS used
WHERE used.tag_id = tags.id;

-- Organization 0: a private space, a private one that the reader was added to, an archived one; private, trashed and
-- archived documents; and people who were suspended or left but still own documents.
UPDATE tenancy.spaces SET privacy = 'private' FROM rooms
WHERE rooms.id = spaces.id AND organization = 0 AND room IN (2, 3);
UPDATE tenancy.spaces SET archived_at = now() FROM rooms
WHERE rooms.id = spaces.id AND organization = 0 AND room = 4;
INSERT INTO tenancy.space_members (id, space_id, organization_id, user_id, role)
SELECT pg_temp.id('added', person), rooms.id, organization_id, people.id, 'reader'
FROM rooms JOIN people USING (organization) WHERE organization = 0 AND room = 3 AND person IN (3, 4, 5, 20);
UPDATE content.documents SET
    visibility = CASE WHEN writing % 7 = 0 THEN 'private' ELSE visibility END,
    status = CASE WHEN writing % 11 = 0 THEN 'archived' ELSE documents.status END,
    deleted_at = CASE WHEN writing % 13 = 0 THEN now() END
FROM writings WHERE writings.id = documents.id AND organization = 0;
UPDATE tenancy.members SET status = 'suspended' FROM people
WHERE people.id = members.user_id AND organization = 0 AND person IN (5, 6);
DELETE FROM tenancy.members USING people WHERE people.id = members.user_id AND organization = 0 AND person = 7;
DELETE FROM tenancy.space_members AS granted USING people
WHERE people.id = granted.user_id AND organization = 0 AND person = 7;
INSERT INTO tenancy.members (id, organization_id, user_id, role, status)
SELECT pg_temp.id('moved', person), pg_temp.id('organization', 1), id, 'member', 'active'
FROM people WHERE organization = 0 AND person IN (7, 8);

SELECT platform.bump_grants(ARRAY(SELECT id FROM people));
SELECT platform.bump_grants(ARRAY(SELECT DISTINCT organization_id FROM rooms));

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'identity.users', 'identity.sessions', 'tenancy.organizations', 'tenancy.members', 'tenancy.spaces',
        'tenancy.space_members', 'content.documents', 'content.document_contents', 'content.tags',
        'content.document_tags'
    ] LOOP
        EXECUTE 'ALTER TABLE ' || name || ' ENABLE TRIGGER USER';
    END LOOP;
END
$$;

COMMIT;
