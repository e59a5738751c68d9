/** What the demo's Socrata understands of a query: columns or a count, any order (tables stand in it already), a limit and an offset. */
export interface SoqlQuery {
  /** Column names, `*` for the publisher's and the portal's own, `:*` for the system's; undefined: the count of rows. */
  readonly select: readonly string[] | undefined
  /** Only rows that the portal changed at this instant or later, milliseconds since 1970; undefined: all. */
  readonly changedFrom: number | undefined
  /** Whether rows come in one order each time. */
  readonly ordered: boolean
  readonly limit: number | undefined
  readonly offset: number
}

/** A portal's refusal: an error object with its status. */
export class SocrataRefusal extends Error {
  constructor(
    readonly status: number,
    readonly said: Readonly<Record<string, unknown>>,
  ) {
    super(String(said.message))
  }
}

const COUNT = /^count\(\*\)( as \w+)?$/i
const KNOWN = ['$select', '$where', '$order', '$limit', '$offset', '$$app_token', '$$exclude_system_fields']

/** A query by the parameters of SODA 2. @throws SocrataRefusal 400 for a parameter that it does not know */
export function queryOfParameters(query: URLSearchParams): SoqlQuery {
  const unknown = [...query.keys()].filter((name) => !KNOWN.includes(name.toLowerCase()))
  if (unknown.length > 0) {
    const message = `Unrecognized arguments [${unknown.join(', ')}]`
    throw new SocrataRefusal(400, { error: true, message })
  }
  return {
    select: selectOf(query.get('$select') ?? '*'),
    changedFrom: conditionOf(query.get('$where') ?? undefined),
    ordered: query.has('$order'),
    limit: numberOf(query.get('$limit')),
    offset: numberOf(query.get('$offset')) ?? 0,
  }
}

/** A query by the text of SODA 3. @throws SocrataRefusal 400 for what it does not understand */
export function queryOfText(text: string): SoqlQuery {
  const parts =
    /^select (.+?)(?: where ([^()]+?))?( order by [^()]+?)?(?: limit (\d+))?(?: offset (\d+))?$/is.exec(
      text.trim(),
    )
  if (parts === null) throw malformed(text)
  const [, select = '', where, order, limit, offset] = parts
  return {
    select: selectOf(select),
    changedFrom: conditionOf(where),
    ordered: order !== undefined,
    limit: numberOf(limit ?? null),
    offset: numberOf(offset ?? null) ?? 0,
  }
}

/** The one condition that it knows: `:updated_at >= 'instant'`. */
function conditionOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const instant = /^:updated_at\s*>=\s*'([^']+)'$/.exec(text.trim())?.[1]
  const from = Date.parse(instant ?? '')
  if (Number.isNaN(from)) throw malformed(text)
  return from
}

function selectOf(text: string): readonly string[] | undefined {
  if (COUNT.test(text.trim())) return undefined
  return text.split(',').map((name) => name.trim().replaceAll('`', ''))
}

function numberOf(text: string | null): number | undefined {
  if (text === null) return undefined
  if (!/^\d+$/.test(text)) throw malformed(text)
  return Number(text)
}

function malformed(what: string): SocrataRefusal {
  return new SocrataRefusal(400, {
    code: 'query.compiler.malformed',
    error: true,
    message: `Could not parse SoQL query near "${what}"`,
  })
}
