"""The backend of a small CTE screen: its own database, and a job that sends changes to Ed-Fi."""
