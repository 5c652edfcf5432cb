"""Would these tests notice? The engine of ``edfi-cte mutate``."""
