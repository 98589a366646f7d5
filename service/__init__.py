"""What any door can ask: a wish becomes jobs, a press the next job, one gate lets them in. Neither Discord nor HTTP."""
