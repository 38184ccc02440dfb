"""What configurations of other programs say, told in ours.

    yaml_tree      YAML with the line of everything in it
    gotemplate/    Go's templates -> Jinja2
    alertmanager/  Alertmanager's configuration -> config.toml and notifiers/
    toml_text      how values are written in TOML
    folder         files onto the disk, secrets for their owner only
    report         what has no equal, by line

Knows foreign formats. Must not know the daemon: this is imported by the verb `import` alone.
"""
