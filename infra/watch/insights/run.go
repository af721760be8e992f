package insights

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Run returns the rows that a query finds in lines.
func (q *Query) Run(lines []Row) []Row {
	rows := lines
	for _, c := range q.commands {
		rows = c(rows)
	}
	return rows
}

func project(rows []Row, names []string) []Row {
	made := make([]Row, len(rows))
	for i, r := range rows {
		made[i] = make(Row)
		for _, name := range names {
			if r[name] != nil {
				made[i][name] = r[name]
			}
		}
	}
	return made
}

func sorted(rows []Row, field string, descending bool) []Row {
	made := slices.Clone(rows)
	slices.SortStableFunc(made, func(a, b Row) int {
		if descending {
			a, b = b, a
		}
		return order(a[field], b[field])
	})
	return made
}

// order compares two values: as numbers where both are, else as texts. What is not
// there comes first.
func order(a, b any) int {
	x, xIs := a.(float64)
	y, yIs := b.(float64)
	switch {
	case a == nil || b == nil:
		return cmp.Compare(present(a), present(b))
	case xIs && yIs:
		return cmp.Compare(x, y)
	}
	return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
}

func present(v any) int {
	if v == nil {
		return 0
	}
	return 1
}

func holds(operator string, order int) bool {
	switch operator {
	case "=":
		return order == 0
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

// aggregate makes one value of a group of rows.
type aggregate struct {
	name string
	of   func(rows []Row) any
}

// stats reads the aggregates and what they are grouped by.
func (p *parser) stats() error {
	var aggregates []aggregate
	for {
		a, err := p.aggregate()
		if err != nil {
			return err
		}
		if aggregates = append(aggregates, a); !p.take(",") {
			break
		}
	}
	var keys []string
	if p.take("by") {
		for {
			key, err := p.key()
			if err != nil {
				return err
			}
			if keys = append(keys, key); !p.take(",") {
				break
			}
		}
	}
	for _, a := range aggregates {
		p.query.made = append(p.query.made, a.name)
	}
	p.add(func(rows []Row) []Row { return grouped(rows, keys, aggregates) })
	return nil
}

// key reads what rows are grouped by: a field, or a span of time, of which all lines
// here have the same.
func (p *parser) key() (string, error) {
	if !p.take("bin") {
		return p.field()
	}
	span := p.tokens[:min(3, len(p.tokens))]
	if len(span) < 3 || span[0] != "(" || span[2] != ")" {
		return "", fmt.Errorf("bin%s: must be a span in brackets", strings.Join(span, ""))
	}
	p.tokens = p.tokens[3:]
	if err := p.expect("as"); err != nil {
		return "", err
	}
	name := p.next()
	p.query.made = append(p.query.made, name)
	return name, nil
}

func (p *parser) aggregate() (aggregate, error) {
	function := p.next()
	if err := p.expect("("); err != nil {
		return aggregate{}, err
	}
	if function == "count" && p.take("*") {
		return p.named(func(rows []Row) any { return float64(len(rows)) })
	}
	field, err := p.field()
	if err != nil {
		return aggregate{}, err
	}
	rank := 0.0
	if function == "pct" {
		if err := p.expect(","); err != nil {
			return aggregate{}, err
		}
		if rank, err = strconv.ParseFloat(p.next(), 64); err != nil {
			return aggregate{}, err
		}
	}
	of, known := map[string]func([]any) any{
		"sum":      func(values []any) any { return fold(values, func(a, b float64) float64 { return a + b }) },
		"max":      func(values []any) any { return fold(values, math.Max) },
		"pct":      func(values []any) any { return percentile(values, rank) },
		"latest":   func(values []any) any { return values[len(values)-1] },
		"earliest": func(values []any) any { return values[0] },
	}[function]
	if !known {
		return aggregate{}, fmt.Errorf("%q: no such function here", function)
	}
	return p.named(func(rows []Row) any {
		var values []any
		for _, r := range rows {
			if r[field] != nil {
				values = append(values, r[field])
			}
		}
		if len(values) == 0 {
			return nil
		}
		return of(values)
	})
}

// named reads the end of an aggregate and its name.
func (p *parser) named(of func([]Row) any) (aggregate, error) {
	if err := p.expect(")"); err != nil {
		return aggregate{}, err
	}
	if err := p.expect("as"); err != nil {
		return aggregate{}, err
	}
	return aggregate{p.next(), of}, nil
}

func fold(values []any, with func(a, b float64) float64) any {
	result, isNumber := values[0].(float64)
	for _, v := range values[1:] {
		n, ok := v.(float64)
		isNumber = isNumber && ok
		result = with(result, n)
	}
	if !isNumber {
		return nil
	}
	return result
}

func percentile(values []any, rank float64) any {
	list := slices.Clone(values)
	slices.SortFunc(list, order)
	return list[min(len(list)-1, int(math.Ceil(rank/100*float64(len(list))))-1)]
}

// grouped makes a row of each group, in the order of their first rows.
func grouped(rows []Row, keys []string, aggregates []aggregate) []Row {
	groups := make(map[string][]Row)
	var names []string
	for _, r := range rows {
		var name strings.Builder
		for _, key := range keys {
			fmt.Fprintf(&name, "%v\x00", r[key])
		}
		if groups[name.String()] == nil {
			names = append(names, name.String())
		}
		groups[name.String()] = append(groups[name.String()], r)
	}
	made := make([]Row, 0, len(names))
	for _, name := range names {
		group := groups[name]
		row := make(Row)
		for _, key := range keys {
			row[key] = group[0][key]
		}
		for _, a := range aggregates {
			row[a.name] = a.of(group)
		}
		maps.DeleteFunc(row, func(_ string, v any) bool { return v == nil })
		made = append(made, row)
	}
	return made
}
