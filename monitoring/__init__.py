"""What watches an Easel: alert rules, what has to raise them, and a dashboard. Files for Prometheus and Grafana."""
