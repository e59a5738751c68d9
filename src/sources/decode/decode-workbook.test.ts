import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bodyInFile, readDecoded } from '../../../testkit/page-body.js'
import { type ZipMember, zipOf } from '../../../testkit/zip-writer.js'
import type { WardbookError } from '../../kernel/errors.js'
import type { FileFormat } from '../page-format.js'
import { decodePage } from './decode-page.js'
import { isoOfSerial, shapeOf } from './xlsx-dates.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardbook-workbook-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function read(workbook: Buffer, format: Partial<FileFormat> = {}) {
  const body = await bodyInFile(join(folder, 'book'), workbook)
  const page = await decodePage(body, { kind: 'file', ...format }, folder)
  return { form: page.form, signals: page.signals, ...(await readDecoded(page)) }
}

interface BookParts {
  readonly sheets: Readonly<Record<string, string>>
  readonly strings?: readonly string[]
  readonly is1904?: boolean
  readonly extra?: readonly ZipMember[]
}

/** Styles: 0 number, 1 date, 2 date and time of its own format, 3 time of day. */
const STYLES = `<styleSheet><numFmts><numFmt numFmtId="170" formatCode="[$-409]d/m/yy\\ h:mm;@"/></numFmts>
  <cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>
  <cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/><xf numFmtId="21"/></cellXfs></styleSheet>`

function workbookOf({ sheets, strings = [], is1904 = false, extra = [] }: BookParts): Buffer {
  const names = Object.keys(sheets)
  const list = names
    .map((name, at) => `<sheet name="${name}" sheetId="${at + 5}" r:id="rId${at + 9}"/>`)
    .join('')
  const relations = names.map(
    (_name, at) =>
      `<Relationship Id="rId${at + 9}" Target="${at === 0 ? 'worksheets/s0.xml' : `/xl/worksheets/s${at}.xml`}"/>`,
  )
  return zipOf([
    { name: '[Content_Types].xml', content: '<Types/>' },
    {
      name: 'xl/workbook.xml',
      content: `<x:workbook xmlns:x="m" xmlns:r="r"><workbookPr date1904="${is1904 ? 1 : 0}"/><sheets>${list}</sheets></x:workbook>`,
    },
    { name: 'xl/_rels/workbook.xml.rels', content: `<Relationships>${relations.join('')}</Relationships>` },
    { name: 'xl/styles.xml', content: STYLES },
    {
      name: 'xl/sharedStrings.xml',
      content: `<sst>${strings.map((text) => `<si>${text}</si>`).join('')}</sst>`,
    },
    ...names.map((name, at) => ({
      name: `xl/worksheets/s${at}.xml`,
      content: `<worksheet><sheetData>${sheets[name]}</sheetData></worksheet>`,
      descriptor: true,
    })),
    ...extra,
  ])
}

const text = (value: string) => `<c t="inlineStr"><is><t xml:space="preserve">${escaped(value)}</t></is></c>`
const row = (...cells: string[]) => `<row>${cells.join('')}</row>`
const escaped = (value: string) =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('\r', '&#13;')

describe('a sheet of a workbook', () => {
  it('gives each kind of cell as text', async () => {
    const sheet =
      row(...['number', 'text', 'rich', 'formula', 'yes', 'error', 'date', 'moment', 'time'].map(text)) +
      '<row r="2"><c r="A2"><v>1.10</v></c><c r="B2" t="s"><v>0</v></c><c r="C2" t="s"><v>1</v></c><c r="D2" t="str"><f>A2&amp;"x"</f><v>1.1x</v></c>' +
      '<c r="E2" t="b"><v>1</v></c><c r="F2" t="e"><v>#N/A</v></c><c r="G2" s="1"><v>43831</v></c><c r="H2" s="2"><f>NOW()</f><v>43831.75</v></c><c r="I2" s="3"><v>0.5</v></c></row>'
    const strings = [
      '<t>007</t>',
      '<r><t>a</t></r><r><t xml:space="preserve"> "b"_x000D_</t></r><rPh><t>reading</t></rPh>',
    ]
    const { columns, rows, form, signals } = await read(workbookOf({ sheets: { One: sheet }, strings }))
    expect(form).toBe('strict')
    expect(columns).toEqual(['number', 'text', 'rich', 'formula', 'yes', 'error', 'date', 'moment', 'time'])
    expect(rows).toEqual([
      ['1.10', '007', 'a "b"\r', '1.1x', 'TRUE', '#N/A', '2020-01-01', '2020-01-01T18:00:00', '12:00:00'],
    ])
    expect(signals).toMatchObject({
      rows: 1,
      envelope: { sheet: 'One', daysFrom: 1900, dateColumns: ['date', 'moment', 'time'] },
      lastRow: { text: '007', date: '2020-01-01' },
    })
  })

  it('gives any texts back, cell by cell', async () => {
    const character = fc.constantFrom('a', ' ', '"', ',', '\n', '\r', '<', '&', 'é', '😀', '_')
    const cells = fc.array(
      fc.array(fc.string({ unit: character, minLength: 1, maxLength: 5 }), { minLength: 3, maxLength: 3 }),
      { maxLength: 6 },
    )
    await fc.assert(
      fc.asyncProperty(cells, async (table) => {
        const sheet = [['a', 'b', 'c'], ...table].map((values) => row(...values.map(text))).join('')
        expect((await read(workbookOf({ sheets: { One: sheet } }))).rows).toEqual(table)
      }),
      { numRuns: 40 },
    )
  })

  it('leaves out blank rows, and keeps the place of cells that are left out', async () => {
    const sheet =
      '<row r="3"><c r="A3" t="str"><v>a</v></c><c r="C3" t="str"><v>c</v></c></row><row r="4"><c r="A4" s="1"/></row>' +
      '<row r="7"><c r="C7"><v>3</v></c></row><row r="8"><c r="A8"><v>1</v></c><c r="D8"><v>4</v></c></row>'
    const { columns, rows, signals } = await read(workbookOf({ sheets: { One: sheet } }))
    expect(columns).toEqual(['a', '', 'c', ''])
    expect(rows).toEqual([
      [null, null, '3', null],
      ['1', null, null, '4'],
    ])
    expect(signals.rows).toBe(2)
  })

  it('joins the names of several header rows', async () => {
    const sheet =
      row(text('Ward'), text('Requests'), '<c/>') +
      row('<c/>', text('open'), text('closed')) +
      row(text('07'), text('1'), text('2'))
    const { columns, rows } = await read(workbookOf({ sheets: { One: sheet } }), { headerRows: 2 })
    expect([columns, rows]).toEqual([['Ward', 'Requests open', 'Requests closed'], [['07', '1', '2']]])
  })

  it('is chosen by name or number, and is the first one else', async () => {
    const book = workbookOf({ sheets: { One: row(text('first')), Two: row(text('second')) } })
    const names = async (sheet?: string | number) =>
      (await read(book, sheet === undefined ? {} : { sheet })).columns
    expect([await names(), await names(2), await names('Two')]).toEqual([['first'], ['second'], ['second']])
    await expect(names('Three')).rejects.toMatchObject({
      code: 'workbook-unusable',
      message: expect.stringContaining('One, Two'),
    })
  })

  it('is read also from archives in archives, which share a scratch folder', async () => {
    const book = workbookOf({ sheets: { One: row(text('a')) + row(text('1')) } })
    const packed = [
      gzipSync(book),
      zipOf([{ name: 'x.zip', content: zipOf([{ name: 'b.xlsx', content: book }]) }]),
    ]
    for (const content of [...packed, gzipSync(packed[1] as Buffer)]) {
      expect(await read(content)).toMatchObject({ columns: ['a'], rows: [['1']] })
    }
  })

  it('may count its days from 1904', async () => {
    const sheet = row(text('d')) + row('<c s="1"><v>0</v></c>') + row('<c s="1"><v>42369</v></c>')
    const { rows, signals } = await read(workbookOf({ sheets: { One: sheet }, is1904: true }))
    expect([rows, signals.envelope]).toMatchObject([[['1904-01-01'], ['2020-01-01']], { daysFrom: 1904 }])
  })

  it.each<[string, BookParts, string]>([
    ['has no row', { sheets: { One: '' } }, 'source-empty'],
    ['has no sheet', { sheets: {} }, 'workbook-unusable'],
    ['is no XML', { sheets: { One: '<row><c></row>' } }, 'workbook-unusable'],
    ['breaks off', { sheets: { One: '<row><!--' } }, 'workbook-unusable'],
    [
      'names a text that is not there',
      { sheets: { One: row('<c t="s"><v>7</v></c>') } },
      'workbook-unusable',
    ],
    ['has a cell nowhere', { sheets: { One: row('<c r="ZZZZ1"><v>7</v></c>') } }, 'workbook-unusable'],
    ['has a text without end', { sheets: { One: row(text('x'.repeat(6_000_000))) } }, 'workbook-unusable'],
  ])('that %s is refused', async (_what, parts, code) => {
    const error = await read(workbookOf(parts)).then(
      () => expect.fail('read'),
      (thrown) => thrown as WardbookError,
    )
    expect([error.code, error.remedy]).toEqual([code, 'fix-source'])
  })
})

describe('a row of a workbook', () => {
  it('is refused when it is longer than 1 MiB', async () => {
    const book = workbookOf({ sheets: { One: row(text('x'.repeat(600_000)), text('x'.repeat(600_000))) } })
    await expect(read(book)).rejects.toMatchObject({
      code: 'row-too-long',
      remedy: 'shrink',
      facts: { row: 1 },
    })
  })
})

describe('number formats', () => {
  it.each<[number, string | undefined, string]>([
    [0, undefined, 'number'],
    [14, undefined, 'date'],
    [46, undefined, 'time'],
    [164, 'yyyy\\-mm\\-dd', 'date'],
    [164, '[$-F800]dddd\\,\\ mmmm\\ dd', 'date'],
    [164, '[h]:mm', 'time'],
    [164, 'mmm', 'date'],
    [164, '"days" 0.00', 'number'],
    [164, '[Red]0.00;[Blue]-0', 'number'],
    [164, '0.00E+00', 'number'],
    [164, 'General', 'number'],
    [164, '#,##0 "h"', 'number'],
  ])('%d %s is a %s', (id, code, shape) => expect(shapeOf(id, code)).toBe(shape))
})

describe('serial numbers of days', () => {
  it.each<[number, 'date' | 'time', boolean, string | undefined]>([
    [1, 'date', false, '1900-01-01'],
    [59, 'date', false, '1900-02-28'],
    [60, 'date', false, undefined],
    [61, 'date', false, '1900-03-01'],
    [43831.0000115741, 'date', false, '2020-01-01T00:00:01'],
    [43831.123456, 'date', false, '2020-01-01T02:57:46.598'],
    [2_958_465, 'date', false, '9999-12-31'],
    [2_958_466, 'date', false, undefined],
    [-1, 'date', false, undefined],
    [0.25, 'time', false, '06:00:00'],
    [Number.NaN, 'date', false, undefined],
  ])('%d as a %s (1904: %s) is %s', (serial, shape, is1904, iso) =>
    expect(isoOfSerial(serial, shape, is1904)).toBe(iso),
  )
})
