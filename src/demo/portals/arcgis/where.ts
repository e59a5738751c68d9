/** Whether a row fits; cells by column name. */
export type Condition = (cell: (name: string) => unknown) => boolean

/** The part of SQL that ArcGIS clients send: comparisons with numbers, texts and timestamps, IN, IS NULL, AND, OR, parentheses. */
const TOKEN = /\s*(timestamp\s*'[^']*'|'(?:[^']|'')*'|-?\d+(?:\.\d+)?|[A-Za-z_][\w.]*|<=|>=|<>|[()=<>,])/iy

/**
 * A condition as a server reads it.
 * @returns undefined when it is no condition: servers then answer with an error object
 */
export function parseWhere(text: string): Condition | undefined {
  try {
    const parser = new Parser(tokensOf(text))
    const condition = parser.either()
    return parser.isAtEnd ? condition : undefined
  } catch {
    return undefined
  }
}

function tokensOf(text: string): string[] {
  const tokens: string[] = []
  TOKEN.lastIndex = 0
  for (let at = 0; text.slice(at).trim() !== ''; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at
    const found = TOKEN.exec(text)?.[1]
    if (found === undefined) throw new SyntaxError(text)
    tokens.push(found)
  }
  return tokens
}

type Value = bigint | number | string | null

class Parser {
  private at = 0

  constructor(private readonly tokens: readonly string[]) {}

  get isAtEnd(): boolean {
    return this.at === this.tokens.length
  }

  either(): Condition {
    let left = this.both()
    while (this.takes('OR')) {
      const [a, b] = [left, this.both()]
      left = (cell) => a(cell) || b(cell)
    }
    return left
  }

  private both(): Condition {
    let left = this.single()
    while (this.takes('AND')) {
      const [a, b] = [left, this.single()]
      left = (cell) => a(cell) && b(cell)
    }
    return left
  }

  private single(): Condition {
    if (!this.takes('(')) return this.comparison()
    const inner = this.either()
    this.demand(')')
    return inner
  }

  private comparison(): Condition {
    const left = this.operand()
    if (this.takes('IS')) {
      const isNot = this.takes('NOT')
      this.demand('NULL')
      return (cell) => (left(cell) === null) !== isNot
    }
    if (this.takes('IN')) return this.oneOf(left)
    const operator = this.next()
    const right = this.operand()
    return (cell) => compare(left(cell), operator, right(cell))
  }

  private oneOf(left: (cell: (name: string) => unknown) => Value): Condition {
    this.demand('(')
    const values = [this.operand()]
    while (this.takes(',')) values.push(this.operand())
    this.demand(')')
    return (cell) => values.some((value) => compare(left(cell), '=', value(cell)))
  }

  private operand(): (cell: (name: string) => unknown) => Value {
    const token = this.next()
    if (/^-?\d+$/.test(token)) return () => BigInt(token)
    if (/^-?\d/.test(token)) return () => Number(token)
    const text = /^(timestamp\s*)?'(.*)'$/is.exec(token)
    if (text?.[1] !== undefined) return () => BigInt(Date.parse(`${text[2]?.replace(' ', 'T')}Z`))
    if (text !== null) return () => (text[2] as string).replaceAll("''", "'")
    return (cell) => operandOf(cell(token))
  }

  private takes(word: string): boolean {
    const isNext = this.tokens[this.at]?.toUpperCase() === word
    if (isNext) this.at++
    return isNext
  }

  private demand(word: string): void {
    if (!this.takes(word)) throw new SyntaxError(word)
  }

  private next(): string {
    const token = this.tokens[this.at++]
    if (token === undefined) throw new SyntaxError('end')
    return token
  }
}

function operandOf(cell: unknown): Value {
  if (cell === undefined) throw new SyntaxError('unknown field')
  if (typeof cell === 'number') return Number.isInteger(cell) ? BigInt(cell) : cell
  return typeof cell === 'bigint' || typeof cell === 'string' ? cell : null
}

function compare(a: Value, operator: string, b: Value): boolean {
  if (a === null || b === null || (typeof a === 'string') !== (typeof b === 'string')) return false
  if (operator === '=') return !(a < b) && !(a > b) // numbers of both kinds
  if (operator === '<>') return a < b || a > b
  if (operator === '<') return a < b
  if (operator === '<=') return a <= b
  if (operator === '>') return a > b
  if (operator === '>=') return a >= b
  throw new SyntaxError(operator)
}
