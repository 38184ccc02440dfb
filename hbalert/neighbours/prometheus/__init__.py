"""Prometheus' alerting rules, told in ours, and ours in theirs.

    rule_file   a YAML rule file -> its groups and rules, and what Prometheus refuses in it
    comments    the comments around them
    texts       templates of labels and annotations, from there to here and from here to there
    translate   groups of any number of files -> rules/NAME.toml
    export      our rules -> a YAML rule file
    series      promtool's notation of series and their values
    unit_file   promtool's unit tests of rules

Knows both programs' files. Must not know the disk. Source: Prometheus' documentation of alerting rules,
recording rules and unit tests; model/rulefmt/rulefmt.go and cmd/promtool/unittest.go.
"""
