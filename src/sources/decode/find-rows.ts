import { WardbookError } from '../../kernel/errors.js'
import type { JsonFormat } from '../page-format.js'
import type { PageBody } from './decoded-page.js'
import { JsonFault, type JsonListener, JsonScanner } from './json-scanner.js'
import { describeStart, markBytes, startOf, withoutMark } from './text-start.js'

const OPEN_LIST = 0x5b
const OPEN_OBJECT = 0x7b

/** How deep names are remembered: deeper lists are no table of the document. */
const DEPTH = 1

/**
 * Where the rows of a JSON file stand: a list at the top, one object a line, `features` of GeoJSON, or the only list of objects
 * in the document. Broken JSON is not told here but by who reads the rows.
 * @throws WardbookError 'answered-json' (fix-source) when there is no such place, or more than one: an answer about an error, mostly
 */
export async function findRows(body: PageBody): Promise<JsonFormat> {
  const look = new Look()
  const start = await startOf(body)
  try {
    for await (const chunk of withoutMark(body.open(), start)) {
      look.scanner.take(chunk)
      if (look.format !== undefined) return look.format
    }
  } catch (thrown) {
    if (!(thrown instanceof JsonFault)) throw thrown
  }
  const format = look.conclusion()
  if (format !== undefined) return format
  throw notATable(body.name, start, look.lists)
}

class Look {
  /** Known before the end. */
  format: JsonFormat | undefined
  /** Members of the document that are lists of objects. */
  readonly lists: string[] = []
  readonly scanner: JsonScanner
  private values = 0
  private top: number | undefined
  private name = ''
  private isFirst = false

  constructor() {
    const listener: JsonListener = {
      onKey: (token, depth) => {
        if (depth === DEPTH && token.length > 0) this.name = JSON.parse(Buffer.from(token).toString('utf8'))
      },
      onStart: (depth, first) => this.start(depth, first),
      onEnd: () => undefined,
    }
    this.scanner = new JsonScanner(listener, () => true)
  }

  conclusion(): JsonFormat | undefined {
    if (this.top === OPEN_LIST) return TOP
    if (this.values > 1) return TOP
    return this.lists.length === 1 ? { kind: 'json', rowsAt: this.lists, cells: 'object' } : undefined
  }

  private start(depth: number, first: number) {
    if (depth === 0) return this.startTop(first)
    if (this.top === OPEN_LIST) {
      this.format = { ...TOP, cells: first === OPEN_LIST ? 'list' : 'object' }
      return 0
    }
    if (depth === DEPTH) {
      this.isFirst = true
      return first === OPEN_LIST ? ('inside' as const) : 0
    }
    if (this.isFirst && first === OPEN_OBJECT) this.found()
    this.isFirst = false
    return 0
  }

  private startTop(first: number) {
    this.values += 1
    if (this.values > 1) this.format = TOP
    this.top = first
    return 'inside' as const
  }

  private found(): void {
    this.lists.push(this.name)
    if (this.name === 'features') this.format = GEOJSON
  }
}

const TOP: JsonFormat = { kind: 'json', rowsAt: [], cells: 'object' }
const GEOJSON: JsonFormat = { kind: 'json', rowsAt: ['features'], cells: 'object', spread: ['properties'] }

function notATable(file: string, start: Buffer, lists: readonly string[]): WardbookError {
  const text = describeStart(start.subarray(markBytes(start)))
  const why =
    lists.length === 0 ? 'without a list of rows' : `with several lists (${lists.join(', ').slice(0, 200)})`
  const message = `${file} is JSON ${why}, not a table; it begins with: ${text.slice(0, 120)}`
  return new WardbookError('answered-json', 'fix-source', message, { file, line: 1, start: text, lists })
}
