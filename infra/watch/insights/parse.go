// Package insights runs queries of CloudWatch Logs Insights over lines in memory, as
// far as the saved queries need it: fields, filter, stats, sort and limit. It is for
// tests, which thereby see that a query still finds what the functions write.
package insights

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Query is a query that has been read.
type Query struct {
	commands []command
	// Fields are the fields of lines that it names, each once.
	Fields []string
	// made are the names that stats gives.
	made []string
}

// command turns rows into others.
type command func(rows []Row) []Row

// Row is a line, or what was made of several: values by name, absent where a line
// does not have the field.
type Row map[string]any

// token splits a query into names, numbers, texts, expressions and signs.
var token = regexp.MustCompile(`\s*(?:("(?:[^"\\]|\\.)*")|(/(?:[^/\\]|\\.)*/)|(-?[0-9]+(?:\.[0-9]+)?[a-z]*)|(@?[A-Za-z_][A-Za-z0-9_.]*)|(!=|<=|>=|[=<>(),|*\[\]]))`)

// Parse reads a query.
func Parse(text string) (*Query, error) {
	p := &parser{query: &Query{}}
	for rest := strings.TrimSpace(text); rest != ""; {
		at := token.FindStringIndex(rest)
		if at == nil || at[0] != 0 {
			return nil, fmt.Errorf("read query at %q: not of the part that is known here", rest[:min(len(rest), 20)])
		}
		p.tokens = append(p.tokens, strings.TrimSpace(rest[:at[1]]))
		rest = strings.TrimSpace(rest[at[1]:])
	}
	for {
		if err := p.command(); err != nil {
			return nil, fmt.Errorf("read query before %q: %w", strings.Join(p.tokens[:min(len(p.tokens), 5)], " "), err)
		}
		if len(p.tokens) == 0 {
			return p.query, nil
		}
		if err := p.expect("|"); err != nil {
			return nil, fmt.Errorf("read query: %w", err)
		}
	}
}

type parser struct {
	tokens []string
	query  *Query
}

func (p *parser) peek() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return p.tokens[0]
}

func (p *parser) next() string {
	t := p.peek()
	if t != "" {
		p.tokens = p.tokens[1:]
	}
	return t
}

// take reports whether the next token is the given one, and takes it.
func (p *parser) take(want string) bool {
	if p.peek() != want {
		return false
	}
	p.next()
	return true
}

func (p *parser) expect(want string) error {
	if got := p.next(); got != want {
		return fmt.Errorf("%q: must be %q", got, want)
	}
	return nil
}

// field reads a name, which is a line's unless stats has made it.
func (p *parser) field() (string, error) {
	name := p.next()
	if !regexp.MustCompile(`^@?[A-Za-z_]`).MatchString(name) {
		return "", fmt.Errorf("%q: must be a field", name)
	}
	if !slices.Contains(p.query.made, name) && !slices.Contains(p.query.Fields, name) {
		p.query.Fields = append(p.query.Fields, name)
	}
	return name, nil
}

func (p *parser) command() error {
	switch name := p.next(); name {
	case "filter":
		test, err := p.or()
		p.add(func(rows []Row) []Row {
			return slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return !test(r) })
		})
		return err
	case "fields":
		names, err := p.list()
		p.add(func(rows []Row) []Row { return project(rows, names) })
		return err
	case "stats":
		return p.stats()
	case "sort":
		field, err := p.field()
		descending := p.take("desc")
		if err == nil && !descending {
			err = p.expect("asc")
		}
		p.add(func(rows []Row) []Row { return sorted(rows, field, descending) })
		return err
	case "limit":
		n, err := strconv.Atoi(p.next())
		p.add(func(rows []Row) []Row { return rows[:min(n, len(rows))] })
		return err
	default:
		return fmt.Errorf("%q: no such command here", name)
	}
}

func (p *parser) add(c command) { p.query.commands = append(p.query.commands, c) }

func (p *parser) list() (names []string, err error) {
	for {
		name, err := p.field()
		if err != nil {
			return nil, err
		}
		if names = append(names, name); !p.take(",") {
			return names, nil
		}
	}
}

// test judges a row.
type test func(Row) bool

func (p *parser) or() (test, error) {
	left, err := p.and()
	for err == nil && p.take("or") {
		var right test
		one := left
		right, err = p.and()
		left = func(r Row) bool { return one(r) || right(r) }
	}
	return left, err
}

func (p *parser) and() (test, error) {
	left, err := p.not()
	for err == nil && p.take("and") {
		var right test
		one := left
		right, err = p.not()
		left = func(r Row) bool { return one(r) && right(r) }
	}
	return left, err
}

func (p *parser) not() (test, error) {
	switch {
	case p.take("not"):
		inner, err := p.not()
		return func(r Row) bool { return !inner(r) }, err
	case p.take("("):
		inner, err := p.or()
		if err == nil {
			err = p.expect(")")
		}
		return inner, err
	case p.take("ispresent"):
		if err := p.expect("("); err != nil {
			return nil, err
		}
		name, err := p.field()
		if err == nil {
			err = p.expect(")")
		}
		return func(r Row) bool { return r[name] != nil }, err
	}
	return p.comparison()
}

func (p *parser) comparison() (test, error) {
	name, err := p.field()
	if err != nil {
		return nil, err
	}
	switch operator := p.next(); operator {
	case "=", "!=", "<", "<=", ">", ">=":
		value, err := literal(p.next())
		return func(r Row) bool { return r[name] != nil && holds(operator, order(r[name], value)) }, err
	case "like":
		pattern := p.next()
		if len(pattern) < 2 || pattern[0] != '/' {
			return nil, fmt.Errorf("like %s: must be an expression", pattern)
		}
		matcher, err := regexp.Compile(pattern[1 : len(pattern)-1])
		return func(r Row) bool { return r[name] != nil && matcher.MatchString(fmt.Sprint(r[name])) }, err
	case "in":
		return p.in(name)
	default:
		return nil, fmt.Errorf("%q: no such comparison here", operator)
	}
}

func (p *parser) in(name string) (test, error) {
	if err := p.expect("["); err != nil {
		return nil, err
	}
	var values []any
	for {
		value, err := literal(p.next())
		if err != nil {
			return nil, err
		}
		values = append(values, value)
		if !p.take(",") {
			break
		}
	}
	return func(r Row) bool {
		return r[name] != nil && slices.ContainsFunc(values, func(v any) bool { return order(r[name], v) == 0 })
	}, p.expect("]")
}

// literal reads a text or a number.
func literal(t string) (any, error) {
	if strings.HasPrefix(t, `"`) {
		return strconv.Unquote(t)
	}
	n, err := strconv.ParseFloat(t, 64)
	if err != nil {
		return nil, fmt.Errorf("%q: must be a text or a number", t)
	}
	return n, nil
}
