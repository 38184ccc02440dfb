"""HTTP in: Alertmanager's API, webhooks of others, our own endpoints, health and metrics.

app       the table of paths; `build` makes the application
door      what every request passes: method, overload, errors, metrics
guard     whether it may come in
auth      tokens and roles
body      its headers, and its body within bounds
refusal   why it is not carried out
wire      every JSON shape that comes in or goes out
ingest    posted alerts -> reports
webhooks  payloads of Alertmanager and Grafana -> reports
v2        Alertmanager's API, version 2
listing   alerts as JSON, kept, and sent to many at once
prom      Prometheus' API for rules and alerts
passing   queries of others, passed on to the default source
hb        our own: history, queue, status
alerts    our own: what fires, one alert, its timeline
explain   our own: what becomes of an alert, and why
shapes    every shape of our own answers and of Prometheus' API
openapi   the OpenAPI document, made of the table, the shapes and `described`
am_yaml   the running configuration as Alertmanager's YAML
server    uvicorn inside our loop
protocol  one connection of uvicorn's, with bounds, and a short way for what is answered at once
"""
