"""What configurations of other programs say, told in ours.

    yaml_tree      YAML with the line of everything in it
    gotemplate/    Go's templates -> Jinja2
    alertmanager/  Alertmanager's configuration -> config.toml and notifiers/
    prometheus/    Prometheus' rules -> rules/, and back; unit tests of rules
    keys           what may stand in a table, and that nothing in it is overlooked
    yaml_text      how values are written in YAML
    toml_text      how values are written in TOML
    folder         files onto the disk, secrets for their owner only
    report         what has no equal, by line

Knows foreign formats. Must not know the daemon: only `import`, `export` and
`rules test` import this.
"""
