"""When, where and with what: settings, policies, jobs and the adapters behind the ports."""
