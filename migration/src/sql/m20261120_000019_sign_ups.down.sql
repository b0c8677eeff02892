DROP TABLE identity.sign_ups;
