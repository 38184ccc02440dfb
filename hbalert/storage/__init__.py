"""Storage: where the truth is kept, behind `hbalert.ports.Store`. The only SQL of hbalert.

Knows tables, transactions, migrations and what a disk can do to a file. Must not know what a state
means: it never decides. The modules, from the values outwards:

    spelling   single values as a row spells them
    rows       core values <-> rows
    tables     which rows lie in which table
    unit       what one caller wants stored, as rows
    queries/   every statement, by name, one module per dialect
    schema/    numbered migrations; migrate applies them
    files      beside the database: the lock, the ballast
    failure    what SQLite's errors mean
    damage     what is wrong with a database
    repair     a sound one in the place of a damaged one
    rescue     its rows, one table after the other
    reachable  the rows of a table around its bad places
    pages      rows straight from its pages
    writer     the connection that writes
    reader     the connection that reads history
    thread     one thread, jobs in order
    sqlite     the store itself: which thread does what
"""
