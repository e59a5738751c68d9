import type { RowColumn } from './json-row.js'

/** The columns of a page: their names in order, and for each where rows carry it (undefined: no row does). */
export interface PageColumns {
  readonly names: readonly string[]
  readonly slots: readonly (number | undefined)[]
}

/**
 * Names and orders the columns that rows carry.
 *
 * Given columns come first, in their order; what no description names comes behind them, first seen first. Where members of several places
 * have one name, the first spread member in the format's order keeps it, the others are called `<member>.<name>`, the row's own `row.<name>`.
 * @param found  as rows carry them, first seen first
 * @param spread names of the spread members
 * @param given  names by the portal's description
 */
export function nameColumns(
  found: readonly RowColumn[],
  spread: readonly string[],
  given: readonly string[] | undefined,
): PageColumns {
  const named = namesOf(found, spread)
  const slotOf = new Map(named.map((name, slot) => [name, slot]))
  const described = new Set(given)
  const names = [...described, ...named.filter((name) => !described.has(name))]
  return { names, slots: names.map((name) => slotOf.get(name)) }
}

/** Columns of lists, whose members have no names: the given ones, further ones as `column <number>`. */
export function numberColumns(found: number, given: readonly string[] | undefined): PageColumns {
  const names = [...(given ?? [])]
  for (let index = names.length; index < found; index++) names.push(unused(`column ${index + 1}`, names))
  return { names, slots: names.map((_name, index) => (index < found ? index : undefined)) }
}

function namesOf(found: readonly RowColumn[], spread: readonly string[]): string[] {
  const names: string[] = new Array(found.length)
  const taken = new Set<string>()
  for (const group of [...spread.keys()].map((at) => at + 1).concat(0)) {
    for (const [slot, column] of found.entries()) {
      if (column.group !== group) continue
      const name = taken.has(column.key)
        ? unused(`${group === 0 ? 'row' : spread[group - 1]}.${column.key}`, taken)
        : column.key
      taken.add(name)
      names[slot] = name
    }
  }
  return names
}

function unused(name: string, taken: Iterable<string>): string {
  const known = new Set(taken)
  let free = name
  while (known.has(free)) free = `${free}'`
  return free
}
