import Testing

@testable import Ledger

@Suite(.onAServer) struct PostgreSQLPlaceholdersTests {
    @Test(
        "Question marks become numbers, except in quotes and comments",
        arguments: [
            ("SELECT ?, ?", "SELECT $1, $2"),
            ("SELECT ?2, ?1, ?", "SELECT $2, $1, $3"),
            ("SELECT ?1, ?1, ?", "SELECT $1, $1, $2"),
            ("SELECT ?10,?", "SELECT $10,$11"),
            ("SELECT 'a?''?b', ?", "SELECT 'a?''?b', $1"),
            ("SELECT '\\', ?", "SELECT '\\', $1"),
            ("SELECT E'\\'?', ?", "SELECT E'\\'?', $1"),
            ("SELECT name'\\', ?", "SELECT name'\\', $1"),
            ("SELECT \"a?\"\"?\", ?", "SELECT \"a?\"\"?\", $1"),
            ("SELECT ? -- ? '\n, ?", "SELECT $1 -- ? '\n, $2"),
            ("SELECT ? /* ? /* ' */ ? */, ?", "SELECT $1 /* ? /* ' */ ? */, $2"),
            ("SELECT $$ ? ' $$, ?", "SELECT $$ ? ' $$, $1"),
            ("SELECT $tag$ ? $$ $tag$, ?", "SELECT $tag$ ? $$ $tag$, $1"),
            ("SELECT a$b$ ? c$b$", "SELECT a$b$ $1 c$b$"),
            ("SELECT $1, ?", "SELECT $1, $1"),
            ("SELECT 4-?/2", "SELECT 4-$1/2"),
            ("SELECT 'žluť?' || ?", "SELECT 'žluť?' || $1"),
            ("SELECT 'open ?", "SELECT 'open ?"),
            ("?", "$1"),
            ("", ""),
        ])
    func numbered(sql: String, expected: String) {
        #expect(PostgreSQLPlaceholders.numbered(sql) == expected)
    }
}
