import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyChunking, inChunks } from '../../../testkit/chunks.js'
import { anyStyle, anyTable, csvOf, DIVISION_COLUMN } from '../../../testkit/csv-tables.js'
import { cellsOf, MAX_PARTITION_VALUE_BYTES } from './csv-records.js'
import { decompress } from './decompress.js'
import { type BadRow, type CsvSummary, MAX_RECORD_BYTES, readCsv } from './read-csv.js'

/** Everything that reading a file told, in order; good rows also as the bytes they were. */
interface Reading {
  readonly summary: CsvSummary
  readonly good: readonly string[][]
  readonly bad: readonly BadRow[]
  readonly records: readonly Buffer[]
  /** The cell of the division of each good row, as told apart from the rows. */
  readonly divisions: readonly string[]
}

async function read(
  bytes: Uint8Array,
  { chunks = [] as readonly number[], delimiter = ',', partitionColumn = DIVISION_COLUMN } = {},
): Promise<Reading> {
  const good: string[][] = []
  const bad: BadRow[] = []
  const records: Buffer[] = []
  const reading = { delimiter, wanted: [partitionColumn], isDivision: true, file: 'requests.csv' }
  const divisions: string[] = []
  const summary = await readCsv(decompress(inChunks(bytes, chunks), 'requests.csv'), reading, {
    onGood: (buffer, start, end, _isRegular, ranges) => {
      const copy = Buffer.from(buffer.subarray(start, end))
      records.push(copy)
      good.push(cellsOf(copy.toString(), delimiter))
      divisions.push(cellsOf(buffer.toString('utf8', ranges[0], ranges[1]), '\0')[0] as string)
    },
    onBad: (row) => {
      bad.push(row)
      records.push(bytesOf(row))
    },
  })
  return { summary, good, bad, records, divisions }
}

/** The bytes of a bad row: what is no UTF-8 was shown as Latin-1. */
function bytesOf({ rawText, detail }: BadRow): Buffer {
  return Buffer.from(rawText, detail.endsWith('Latin-1') || rawText.includes('\xff') ? 'latin1' : 'utf8')
}

function readText(text: string, options?: Parameters<typeof read>[1]): Promise<Reading> {
  return read(Buffer.from(text), options)
}

/** The same without the quick way: a byte that is no UTF-8, in a bad row after all others, makes each record be judged alone. */
async function readSlowly(bytes: Uint8Array): Promise<Reading> {
  const spoiled = Buffer.concat([
    bytes,
    Buffer.from(bytes.at(-1) === 0x0a ? [] : [0x0a]),
    Buffer.from([0xff, 0x0a]),
  ])
  const { summary, bad, records, ...rest } = await read(spoiled)
  return {
    ...rest,
    summary: { ...summary, badRows: summary.badRows - 1, notUtf8: summary.notUtf8 - 1, bytes: bytes.length },
    bad: bad.slice(0, -1),
    records: records.slice(0, -1),
  }
}

/** Lines of bytes that are hard to read: quotes, separators, line ends, broken UTF-8, after a header of two columns. */
const anyFaultyFile = fc
  .array(
    fc
      .constantFrom(
        'a',
        '7',
        '"',
        '"',
        ',',
        ',',
        '\n',
        '\n',
        '\r\n',
        '\r',
        '""',
        '"b"',
        'é',
        '1,2\n',
        '"x\ny",2\n',
      )
      .map((text) => Buffer.from(text)),
    { maxLength: 60 },
  )
  .chain((pieces) =>
    fc.boolean().map((broken) => Buffer.concat([...pieces, Buffer.from(broken ? [0xff] : [])])),
  )
  .map((rest) => Buffer.concat([Buffer.from('id,District\n'), rest]))

describe('reading CSV', () => {
  it('gives every cell of any table back, in any style, cut into any chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyTable,
        anyStyle,
        anyChunking,
        fc.boolean(),
        async (table, style, chunks, zipped) => {
          const bytes = csvOf(table, style)
          const sent = zipped ? gzipSync(bytes) : bytes
          const { summary, good, bad, divisions } = await read(sent, { chunks, delimiter: style.delimiter })
          expect(bad).toEqual([])
          expect(good).toEqual(table.rows)
          expect(divisions).toEqual(table.rows.map((cells) => cells.at(-1)))
          expect(summary).toMatchObject({
            header: table.header,
            goodRows: table.rows.length,
            badRows: 0,
            blankLines: 0,
          })
          expect(summary.bytes).toBe(bytes.length)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('tells the same whatever the chunks, also of faulty files', async () => {
    await fc.assert(
      fc.asyncProperty(anyFaultyFile, anyChunking, async (bytes, chunks) => {
        expect(await read(bytes, { chunks })).toEqual(await read(bytes))
      }),
      { numRuns: 500 },
    )
  })

  it('leaves no byte unaccounted for: each is in the header, a good row, a bad row or a line end', async () => {
    await fc.assert(
      fc.asyncProperty(anyFaultyFile, async (bytes) => {
        const { summary, records } = await read(bytes)
        let at = 'id,District'.length
        let lineEnds = 0
        const skipLineEnds = () => {
          for (; bytes[at] === 0x0a || (bytes[at] === 0x0d && bytes[at + 1] === 0x0a); lineEnds++)
            at += bytes[at] === 0x0a ? 1 : 2
        }
        for (const record of records) {
          skipLineEnds()
          expect(bytes.subarray(at, at + record.length).equals(record)).toBe(true)
          at += record.length
        }
        skipLineEnds()
        if (bytes[at] === 0x0d) at += 1 // a carriage return that ends the file, after a closing quote
        expect(at).toBe(bytes.length)
        expect(summary.bytes).toBe(bytes.length)
        expect(summary.goodRows + summary.badRows).toBe(records.length)
        expect(lineEnds - summary.blankLines - summary.goodRows - summary.badRows).toBeGreaterThanOrEqual(0)
      }),
      { numRuns: 500 },
    )
  })

  it('shows the first line of a row as the text it is where a later one is none', async () => {
    const { bad } = await read(Buffer.concat([Buffer.from('id,District\n"é\n",'), Buffer.from([0xff])]))
    expect(bad[0]).toMatchObject({
      reason: 'invalid-utf8',
      rawText: '"é',
      detail: 'its quotes go on over lines that are not valid UTF-8',
    })
  })

  it('says of every bad row where it stands: line and byte lead to its text', async () => {
    await fc.assert(
      fc.asyncProperty(anyFaultyFile, async (bytes) => {
        const { bad } = await read(bytes)
        for (const row of bad) {
          const { line, byteOffset } = row
          const text = bytesOf(row)
          expect(bytes.subarray(byteOffset, byteOffset + text.length).equals(text)).toBe(true)
          expect(line).toBe(bytes.subarray(0, byteOffset).toString('latin1').split('\n').length)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('loses one line to a quote that never closes, and keeps all other rows', async () => {
    const cell = fc.stringMatching(/^[a-z][a-z ,\n]{0,12}$/)
    await fc.assert(
      fc.asyncProperty(
        fc.array(cell, { maxLength: 20 }),
        fc.nat(20),
        fc.boolean(),
        async (cells, place, quotes) => {
          const rows = cells.map((text, at) => [`${at}`, quotes ? text : text.replace(/[,\n]/g, '.')])
          const lines = csvOf({ header: ['id', DIVISION_COLUMN], rows })
            .toString()
            .split(/\n(?=\d+,|$)/)
          const k = Math.min(place, rows.length)
          const text = [...lines.slice(0, k + 1), 'x,"never closed', ...lines.slice(k + 1)].join('\n')
          const { good, bad } = await readText(text)
          expect(good).toEqual(rows)
          expect(bad.map(({ rawText }) => rawText)).toEqual(['x,"never closed'])
          expect(['unclosed-quote', 'text-after-quote']).toContain(bad[0]?.reason)
        },
      ),
    )
  })

  it('reads all rows below a header so wide that memory grows for it, also in one block', async () => {
    for (const columns of [5_500, 20_000]) {
      const names = Array.from({ length: columns }, (_, at) => (at === 0 ? DIVISION_COLUMN : `c${at}`)).join(
        ',',
      )
      const row = `7${','.repeat(columns - 1)}`
      const { summary } = await read(Buffer.from(`${names}\n${`${row}\n`.repeat(5)}`))
      expect(summary).toMatchObject({ goodRows: 5, badRows: 0 })
      expect(summary.bytes).toBe(names.length + 1 + 5 * (row.length + 1))
    }
  })

  it('counts blank lines apart from rows, before the header and between rows', async () => {
    const { summary, good } = await readText('\n\r\nid,District\n\n1,7\n\n\n2,8\n')
    expect(good).toEqual([
      ['1', '7'],
      ['2', '8'],
    ])
    expect(summary).toMatchObject({ goodRows: 2, badRows: 0, blankLines: 5 })
  })

  it('sets aside rows with too few or too many columns, with their text and place', async () => {
    const { good, bad } = await readText('id,District\n1\n2,7,x\n3,7\n')
    expect(good).toEqual([['3', '7']])
    expect(bad).toEqual([
      {
        reason: 'too-few-columns',
        detail: '1 columns where the header has 2',
        line: 2,
        byteOffset: 12,
        rawText: '1',
      },
      {
        reason: 'too-many-columns',
        detail: '3 columns where the header has 2',
        line: 3,
        byteOffset: 14,
        rawText: '2,7,x',
      },
    ])
  })

  it('sets aside a row that is no UTF-8 and shows it as Latin-1', async () => {
    const { bad, good } = await read(Buffer.from('id,District\ncaf\xe9,7\n1,8\n', 'latin1'))
    expect(good).toEqual([['1', '8']])
    expect(bad).toMatchObject([{ reason: 'invalid-utf8', line: 2, byteOffset: 12, rawText: 'caf\xe9,7' }])
  })

  it('sets aside a row whose division is too long to name a folder', async () => {
    const longest = 'x'.repeat(MAX_PARTITION_VALUE_BYTES)
    const { bad, good } = await readText(`id,District\n1,${longest}\n2,${longest}x\n`)
    expect(good).toEqual([['1', longest]])
    expect(bad).toMatchObject([{ reason: 'partition-value-too-long', line: 3, rawText: `2,${longest}x` }])
  })

  it('finds the column of the division whatever its case and outer blanks', async () => {
    const { summary } = await readText('id, DISTRICT \n1,7\n')
    expect(summary.header).toEqual(['id', ' DISTRICT '])
  })

  it('has zero rows for a header without rows', async () => {
    for (const text of ['id,District', 'id,District\n', '\ufeffid,District\r\n']) {
      expect((await readText(text)).summary).toMatchObject({ goodRows: 0, badRows: 0, blankLines: 0 })
    }
  })

  it('says of a row whether other readers may see it differently', async () => {
    const regular = async (text: string) => {
      const found: boolean[] = []
      const reading = { delimiter: ',', wanted: [DIVISION_COLUMN], isDivision: true, file: 'requests.csv' }
      await readCsv(inChunks(Buffer.from(`id,District\n${text}`)), reading, {
        onGood: (_buffer, _start, _end, isRegular) => found.push(isRegular),
      })
      return found
    }
    expect(await regular('"a\nb",7\n2,8')).toEqual([true, true])
    expect(await regular('1,7\r\n2,8\n')).toEqual([true, true])
    expect(await regular('5" pipe,7\n6,8\n')).toEqual([false, true])
    expect(await regular('1\r2,7\n')).toEqual([false])
  })

  it('reads the same where most rows are regular and some are not, whatever the chunks', async () => {
    const line = fc.constantFrom(
      '1,7',
      '"a,""b"" c",8',
      '"x\ny",9',
      '5" pipe,7',
      '1',
      '1,2,3',
      'é,7',
      '"open,7',
      '',
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 40 }),
        anyChunking,
        fc.boolean(),
        async (lines, chunks, crlf) => {
          const bytes = Buffer.from(['id,District', ...lines, ''].join(crlf ? '\r\n' : '\n'))
          expect(await read(bytes, { chunks })).toEqual(await readSlowly(bytes))
        },
      ),
    )
  })
})

describe('refusing what is no table', () => {
  it.each([
    ['an empty file', '', 'source-empty', {}],
    ['a byte order mark and nothing else', '\ufeff', 'source-empty', { bytes: 3 }],
    ['blank lines only', '\n\n', 'source-empty', {}],
    ['an HTML page', '<!DOCTYPE html>\n<html><body>Down for maintenance', 'answered-html', { line: 1 }],
    ['an HTML page after blank lines', '\n\n  <html>\n', 'answered-html', {}],
    ['an XML error', '<?xml version="1.0"?><Error/>', 'answered-html', {}],
    ['a JSON error', '{"error": "not found", "code": 404}', 'answered-json', {}],
    ['a JSON list', '[{"a":1}]', 'answered-json', {}],
    [
      'a header without the division',
      'id,ward\n1,7\n',
      'partition-column-missing',
      { line: 1, columns: ['id', 'ward'] },
    ],
    ['a header whose quote never closes', '\nid,"District\n1,7\n', 'header-unreadable', { line: 2 }],
  ])('refuses %s with a code and a place', async (_what, text, code, facts) => {
    for (const chunks of [[], [1], [2, 7]]) {
      const error = await readText(text, { chunks }).catch((thrown) => thrown)
      expect(error).toMatchObject({ code, remedy: 'fix-source', facts })
      expect(error.message).toContain('requests.csv')
    }
  })

  it('does not take a table for JSON or HTML because of its first characters', async () => {
    for (const header of ['[id],District', '{id},District', '<id>,District', '"<html>",District']) {
      expect((await readText(`${header}\n1,7\n`)).good).toEqual([['1', '7']])
    }
  })

  it('refuses a line of 2 MiB with its place, and takes one of the longest length', async () => {
    const start = 'id,District\n1,7\n'
    const tooLong = `${start}${'x'.repeat(2 * 1024 * 1024)},7\n2,8\n`
    for (const chunks of [[], [65_536], [1_000_003]]) {
      await expect(readText(tooLong, { chunks })).rejects.toMatchObject({
        code: 'row-too-long',
        remedy: 'shrink',
        facts: { line: 3, byteOffset: start.length, file: 'requests.csv' },
      })
      for (const lineEnd of ['\n', '\r\n']) {
        const longest = `${start}${'x'.repeat(MAX_RECORD_BYTES - 2)},7${lineEnd}2,8\n`
        expect((await readText(longest, { chunks })).summary.goodRows).toBe(3)
      }
    }
  })

  it('loses one line to a quote that closes only beyond the longest row, whatever the chunks', async () => {
    const rows = Array.from({ length: 22_000 }, (_, at) => `${at},${'7'.repeat(50)}`).join('\n')
    for (const end of ['9,"8"\n', '9,8\n']) {
      for (const chunks of [[], [65_536], [1_100_000]]) {
        const { summary, bad } = await readText(`id,District\nx,"open\n${rows}\n${end}`, { chunks })
        expect(summary).toMatchObject({ goodRows: 22_001, badRows: 1 })
        expect(bad).toMatchObject([{ reason: 'unclosed-quote', line: 2, rawText: 'x,"open' }])
      }
    }
  })
})
