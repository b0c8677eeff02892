-- What a plan allows stands in the settings; a subscription holds limits of its own only where they were agreed on.
ALTER TABLE tenancy.subscriptions
    ALTER COLUMN limits DROP NOT NULL,
    ALTER COLUMN limits DROP DEFAULT,
    ADD COLUMN past_due_since timestamptz;
