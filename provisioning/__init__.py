"""The checks outside admission, and what an administrator sets up for a tenant."""
