import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyChunking } from '../../../testkit/chunks.js'
import { bodyOf, readDecoded } from '../../../testkit/page-body.js'
import type { WardbookError } from '../../kernel/errors.js'
import { MAX_RECORD_BYTES } from '../files/read-csv.js'
import type { JsonFormat } from '../page-format.js'
import { decodeJson, signalsOfFailure } from './decode-json.js'

const TOP: JsonFormat = { kind: 'json', rowsAt: [], cells: 'object' }

async function tableOf(content: string | Uint8Array, format: Partial<JsonFormat> = {}, sizes: number[] = []) {
  const page = await decodeJson(bodyOf(content, sizes), { ...TOP, ...format })
  return { ...(await readDecoded(page)), signals: page.signals, page }
}

async function failureOf(content: string | Uint8Array, format: Partial<JsonFormat> = {}) {
  return tableOf(content, format).then(
    ({ rows }) => expect.fail(`read as ${JSON.stringify(rows)}`),
    (thrown) => thrown as WardbookError,
  )
}

/** A cell as our tables hold a JSON value. */
function cellText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value !== 'string') return JSON.stringify(value)
  return value.replaceAll(/\p{Surrogate}/gu, (half) => JSON.stringify(half).slice(1, -1))
}

/** Containers keep their blanks, so they are compared by their value; a lone cell without a value is written as an empty text. */
function expectCells(cells: readonly (string | null)[], values: readonly unknown[]) {
  for (const [at, value] of values.entries()) {
    const cell = cells[at] as string
    if (value !== null && typeof value === 'object') expect(JSON.parse(cell)).toEqual(value)
    else expect(cell).toBe(cellText(value) ?? (values.length === 1 ? '' : null))
  }
}

const anyRow = fc.dictionary(fc.string({ unit: 'binary', maxLength: 6 }), fc.jsonValue({ maxDepth: 3 }), {
  maxKeys: 6,
})
const anyBlank = fc.constantFrom('', ' ', '\n', '\r\n\t')

describe('JSON as a table', () => {
  it('gives what JSON.parse gives, cell by cell, whatever the chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyRow, { maxLength: 8 }),
        anyBlank,
        anyChunking,
        async (rows, blank, sizes) => {
          fc.pre(rows.length === 0 || rows.some((row) => Object.keys(row).length > 0))
          const text = JSON.stringify({ a: 1, deep: { rows, b: 2 } }, null, blank.replaceAll(/[\r\n]/g, ''))
          const read = await tableOf(text, { rowsAt: ['deep', 'rows'] }, sizes)
          const names = [...new Set(rows.flatMap((row) => Object.keys(row)))]
          expect([...read.columns].sort()).toEqual(names.map((name) => cellText(name)).sort())
          expect(read.signals.rows).toBe(rows.length)
          expect(read.signals.envelope).toEqual({ a: 1, deep: { b: 2 } })
          const expected = (JSON.parse(text).deep.rows as Record<string, unknown>[]).map((row) =>
            read.signals.columns.map((name) => (Object.hasOwn(row, name) ? row[name] : null)),
          )
          expect(read.rows).toHaveLength(expected.length)
          for (const [at, row] of read.rows.entries()) expectCells(row, expected[at] as unknown[])
        },
      ),
    )
  })

  it('accepts and refuses the same texts as JSON.parse', async () => {
    const document = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify([{ value }]))
    const damaged = fc
      .tuple(
        document,
        fc.nat(),
        fc.constantFrom('', ',', '"', '}', ']', '\\', '0', '-', 'e', '.', '\u0001', ' ', 'n'),
      )
      .map(([text, at, put]) => text.slice(0, at % text.length) + put + text.slice((at % text.length) + 1))
    await fc.assert(
      fc.asyncProperty(fc.oneof(document, damaged), anyChunking, async (text, sizes) => {
        let isTable: boolean
        try {
          const value = JSON.parse(text)
          isTable =
            Array.isArray(value) &&
            value.every((row) => row !== null && typeof row === 'object' && !Array.isArray(row))
          if (isTable && !value.some((row: object) => Object.keys(row).length > 0)) return
        } catch {
          isTable = false
        }
        const read = await tableOf(text, {}, sizes).then(
          () => true,
          () => false,
        )
        expect(read, text).toBe(isTable)
      }),
      { numRuns: 400 },
    )
  })

  it('keeps numbers in the characters that were sent', async () => {
    const { columns, rows } = await tableOf(
      '[{"a":1.10,"b":12345678901234567890,"c":1E+2,"d":-0.0,"e":true,"f":false}]',
    )
    expect(columns).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
    expect(rows).toEqual([['1.10', '12345678901234567890', '1E+2', '-0.0', 'true', 'false']])
  })

  it('keeps objects and lists as their JSON text as sent', async () => {
    const { rows } = await tableOf('[{"a":{"x" : 1.0,"y":"\\u0041\\"}"},"b":[1, 2]}]')
    expect(rows).toEqual([['{"x" : 1.0,"y":"\\u0041\\"}"}', '[1, 2]']])
  })

  it('tells an empty text from null and from a missing key', async () => {
    const { rows } = await tableOf('[{"a":"","b":null},{"b":"x"}]')
    expect(rows).toEqual([
      ['', null],
      [null, 'x'],
    ])
  })

  it('keeps half of a surrogate pair as its escape, and zero bytes', async () => {
    const { rows } = await tableOf('[{"a":"x\\ud83dy","b":"\\ud83d\\ude00","c":"\\u0000"}]')
    expect(rows).toEqual([['x\\ud83dy', '😀', '\0']])
  })

  it('keeps a row of one column without a value, as an empty text', async () => {
    const { rows } = await tableOf('[{"a":null},{"a":"x"}]')
    expect(rows).toEqual([[''], ['x']])
  })

  it('lets the last of equal keys count', async () => {
    const { columns, rows } = await tableOf('[{"a":1,"b":2,"a":3},{"a":1,"\\u0061":null}]')
    expect([columns, rows]).toEqual([
      ['a', 'b'],
      [
        ['3', '2'],
        [null, null],
      ],
    ])
  })

  it('has the described columns first, and loses none that is not described', async () => {
    const { columns, rows } = await tableOf('[{"z":1,"b":2},{"a":3}]', { columns: ['a', 'b', 'gone'] })
    expect(columns).toEqual(['a', 'b', 'gone', 'z'])
    expect(rows).toEqual([
      [null, '2', null, '1'],
      ['3', null, null, null],
    ])
  })

  it('reads rows that are lists', async () => {
    const { columns, rows } = await tableOf('{"data":[["x",1],["y",2,3],[]]}', {
      rowsAt: ['data'],
      cells: 'list',
      columns: ['name', 'n'],
    })
    expect(columns).toEqual(['name', 'n', 'column 3'])
    expect(rows).toEqual([
      ['x', '1', null],
      ['y', '2', '3'],
      [null, null, null],
    ])
  })

  it.each(['{"rows":[],"more":true}', '[]'])('reads no rows from %s', async (text) => {
    const { columns, rows, signals } = await tableOf(text, { rowsAt: text.startsWith('[') ? [] : ['rows'] })
    expect([columns, rows, signals.rows, signals.lastRow]).toEqual([[], [], 0, undefined])
  })
})

describe('columns of spread members', () => {
  const GEOJSON = { rowsAt: ['features'], spread: ['properties'] }
  const FEATURE =
    '{"type":"Feature","id":7,"properties":{"id":"A","ward":"07"},"geometry":{"type":"Point","coordinates":[1.0,2]}}'

  it.each([`{"crs":{"x":1},"features":[${FEATURE}]}`, `{"features":[${FEATURE}],"crs":{"x":1}}`])(
    "come beside the row's own, whether `features` stands first or last",
    async (text) => {
      const { columns, rows, signals } = await tableOf(text, GEOJSON)
      expect(columns).toEqual(['type', 'row.id', 'id', 'ward', 'geometry'])
      expect(rows).toEqual([['Feature', '7', 'A', '07', '{"type":"Point","coordinates":[1.0,2]}']])
      expect(signals.envelope).toEqual({ crs: { x: 1 } })
      expect(signals.lastRow).toMatchObject({ id: 'A', 'row.id': '7' })
    },
  )

  it('are missing where the member is null, and a member of another kind is a cell', async () => {
    const { columns, rows } = await tableOf(
      '[{"properties":null,"a":1},{"properties":[1]},{"properties":{"b":2}}]',
      {
        spread: ['properties'],
      },
    )
    expect(columns).toEqual(['a', 'properties', 'b'])
    expect(rows).toEqual([
      ['1', null, null],
      [null, '[1]', null],
      [null, null, '2'],
    ])
  })

  it('keep their names apart when there are several', async () => {
    const { columns } = await tableOf('[{"x":{"a":1},"y":{"a":2},"a":3}]', { spread: ['x', 'y'] })
    expect(columns).toEqual(['a', 'y.a', 'row.a'])
  })
})

describe('one object a line', () => {
  it.each(['{"a":1}\n{"a":2}\n', '{"a":1}\r\n\r\n{"a":2}', '\ufeff{"a":\n1}\n{"a":2}'])(
    'is read from %j',
    async (text) => {
      expect((await tableOf(text)).rows).toEqual([['1'], ['2']])
    },
  )

  it('may be a lone object, which is the envelope too', async () => {
    const { rows, signals } = await tableOf('{"error":"bad"}\n')
    expect([rows, signals.envelope]).toEqual([[['bad']], { error: 'bad' }])
  })
})

describe('the envelope', () => {
  it('leaves out members that do not fit into 64 KiB, and keeps the others', async () => {
    const long = 'x'.repeat(70_000)
    const { signals } = await tableOf(`{"a":1,"long":"${long}","rows":[{"b":2}],"z":{"y":[1.5]}}`, {
      rowsAt: ['rows'],
    })
    expect(signals.envelope).toEqual({ a: 1, z: { y: [1.5] } })
  })
})

describe('what is no table', () => {
  it.each([
    ['[{"a":1},\n{"a":', 'json-broken', { line: 2, byteOffset: 15, truncated: true, rows: 1 }],
    ['[{"a":1}]\n]', 'json-broken', { line: 2, byteOffset: 10, truncated: false }],
    ['\ufeff[{"a":01}]', 'json-broken', { line: 1, byteOffset: 10 }],
    ['[{"a":1}\n,\n[2]]', 'json-broken', { line: 3, row: 2, byteOffset: 11 }],
    [
      '{"error":{"code":498}}',
      'rows-missing',
      { envelope: { error: { code: 498 } }, start: '{"error":{"code":498}}' },
    ],
    ['{"deep":null}', 'rows-missing', { envelope: { deep: null } }],
    ['{"deep":{"rows":"x"}}', 'rows-missing', { envelope: { deep: { rows: 'x' } } }],
    ['{"deep":{"rows":[{}]}}', 'rows-missing', {}],
    ['  <!DOCTYPE html>\n<p>', 'answered-html', { line: 1 }],
    ['<Error><Code>AccessDenied</Code></Error>', 'answered-html', { line: 1 }],
    ['\n \n', 'source-empty', {}],
    ['', 'source-empty', {}],
  ])('%j is refused as %s, with its place', async (text, code, facts) => {
    const rowsAt = text.startsWith('[') || text.startsWith('\ufeff') ? [] : ['deep', 'rows']
    const error = await failureOf(text, { rowsAt })
    expect([error.code, error.remedy]).toEqual([code, 'fix-source'])
    expect(error.facts).toMatchObject({ file: 'page', ...facts })
  })

  it('is told apart by what it says, where it is an answer about an error', async () => {
    const signals = signalsOfFailure(await failureOf('{"error":{"code":498}}', { rowsAt: ['features'] }))
    expect(signals).toMatchObject({ rows: 0, envelope: { error: { code: 498 } } })
    expect(signalsOfFailure(await failureOf('{'))).toBeUndefined()
  })

  it('is a row longer than 1 MiB, with its place', async () => {
    const text = `[{"a":1},\n{"a":"${'x'.repeat(MAX_RECORD_BYTES)}"}]`
    for (const sizes of [[], [50_000]]) {
      const error = await tableOf(text, {}, sizes).then(
        () => undefined,
        (thrown) => thrown as WardbookError,
      )
      expect([error?.code, error?.remedy, error?.facts.line, error?.facts.byteOffset]).toEqual([
        'row-too-long',
        'shrink',
        2,
        10,
      ])
    }
  })

  it('is a row that is no UTF-8', async () => {
    const error = await failureOf(Buffer.from('[{"a":1},\n{"a":"\xe9"}]', 'latin1'))
    expect([error.code, error.facts.line, error.facts.byteOffset]).toEqual(['encoding-broken', 2, 10])
  })

  it('has more members than a table has columns', async () => {
    const row = Object.fromEntries(Array.from({ length: 5_000 }, (_value, at) => [`k${at}`, 1]))
    expect((await failureOf(JSON.stringify([row]))).code).toBe('table-too-wide')
  })
})
