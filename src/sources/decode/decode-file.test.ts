import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { anyChunking, inChunks, joinChunks } from '../../../testkit/chunks.js'
import { bodyInFile, readDecoded } from '../../../testkit/page-body.js'
import { zipOf } from '../../../testkit/zip-writer.js'
import type { WardbookError } from '../../kernel/errors.js'
import type { FileFormat } from '../page-format.js'
import { decodePage, decodePageWith } from './decode-page.js'
import { guessEncoding } from './text-encoding.js'
import { capped } from './unpack.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardbook-decode-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function decode(content: string | Uint8Array, format: Partial<FileFormat> = {}) {
  const body = await bodyInFile(join(folder, 'body'), Buffer.from(content as string))
  return decodePage(body, { kind: 'file', ...format }, folder)
}

async function read(content: string | Uint8Array, format: Partial<FileFormat> = {}) {
  const page = await decode(content, format)
  return { form: page.form, delimiter: page.delimiter, signals: page.signals, ...(await readDecoded(page)) }
}

async function failureOf(content: string | Uint8Array, format: Partial<FileFormat> = {}) {
  return read(content, format).then(
    ({ rows }) => expect.fail(`read as ${JSON.stringify(rows)}`),
    (thrown) => thrown as WardbookError,
  )
}

const TABLE = 'id,name\n1,Zoë\n2,"a, ""b""\nc"\n'
const ROWS = [
  ['1', 'Zoë'],
  ['2', 'a, "b"\nc'],
]
const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')

describe('a file is recognized by its content', () => {
  it.each<[string, string | Uint8Array]>([
    ['CSV', TABLE],
    ['CSV with a byte order mark', `\ufeff${TABLE}`],
    ['Windows-1252', Buffer.from(TABLE, 'latin1')],
    ['UTF-16, little end first', utf16(TABLE)],
    ['UTF-16, big end first', utf16(TABLE).swap16()],
    ['gzip', gzipSync(TABLE)],
    ['gzip twice', gzipSync(gzipSync(TABLE))],
    ['gzip of several members', Buffer.concat([gzipSync(TABLE.slice(0, 9)), gzipSync(TABLE.slice(9))])],
    ['gzip of Windows-1252', gzipSync(Buffer.from(TABLE, 'latin1'))],
    ['zip', zipOf([{ name: 'a.csv', content: TABLE }])],
    [
      'zip with nested folders and side files',
      zipOf([
        { name: 'x/readme.txt', content: 'hello' },
        { name: '__MACOSX/x/a.csv', content: 'junk' },
        { name: 'x/y/a.CSV', content: TABLE },
      ]),
    ],
    [
      'zip with data descriptors',
      zipOf([
        { name: 'readme.pdf', content: 'x', descriptor: true },
        { name: 'a.csv', content: TABLE, descriptor: true },
      ]),
    ],
    [
      'zip64',
      zipOf([
        { name: 'b.md', content: 'x', zip64: true },
        { name: 'a.csv', content: TABLE, zip64: true },
      ]),
    ],
    ['zip, stored', zipOf([{ name: 'table', content: TABLE, stored: true }])],
    ['gzip in zip', zipOf([{ name: 'a.csv.gz', content: gzipSync(TABLE) }])],
    ['zip in gzip', gzipSync(zipOf([{ name: 'a.csv', content: TABLE }]))],
    ['zip in zip', zipOf([{ name: 'a.zip', content: zipOf([{ name: 'a.csv', content: TABLE }]) }])],
    [
      'JSON',
      JSON.stringify([
        { id: 1, name: 'Zoë' },
        { id: 2, name: 'a, "b"\nc' },
      ]),
    ],
    [
      'JSON of lists',
      '{"id":7,"more":[],"cells":[{"id":1,"name":"Zoë"},{"id":2,"name":"a, \\"b\\"\\nc"}],"n":[1]}',
    ],
    ['NDJSON', `{"id":1,"name":"Zoë"}\n${JSON.stringify({ id: 2, name: 'a, "b"\nc' })}`],
    ['JSON in UTF-16', utf16(`[{"id":1,"name":"Zoë"},{"id":2,"name":"a, \\"b\\"\\nc"}]`)],
  ])('%s', async (_make, content) => {
    const { columns, rows } = await read(content)
    expect([columns, rows]).toEqual([['id', 'name'], ROWS])
  })

  it('GeoJSON, with `features` before or after `crs`', async () => {
    const feature = { type: 'Feature', properties: { id: 1 }, geometry: null }
    for (const document of [
      { crs: {}, features: [feature] },
      { features: [feature], crs: {} },
    ]) {
      const { columns, rows } = await read(JSON.stringify({ type: 'FeatureCollection', ...document }))
      expect([columns, rows]).toEqual([['type', 'id', 'geometry'], [['Feature', '1', null]]])
    }
  })

  it('Parquet, which goes to the reader that was set up', async () => {
    const content = Buffer.from('PAR1…')
    expect(await failureOf(content)).toMatchObject({ code: 'parquet-unreadable', remedy: 'fix-config' })
    const page = await decode(TABLE)
    const body = await bodyInFile(join(folder, 'body'), gzipSync(content))
    const given = await decodePageWith(async (unpacked) => {
      expect(await joinChunks(unpacked.open())).toEqual(content)
      return page
    })(body, { kind: 'file' }, folder)
    expect(given).toBe(page)
  })

  it.each<[string | Uint8Array, string]>([
    ['<!DOCTYPE html><title>Moved</title>', 'answered-html'],
    ['\ufeff <html>', 'answered-html'],
    [gzipSync('<html>'), 'answered-html'],
    ['{"error":{"message":"down"}}', 'answered-json'],
    ['{"a":[{"x":1}],"b":[{"y":1}]}', 'answered-json'],
    ['{"a":[{"x":1}', 'json-broken'],
    ['', 'source-empty'],
    ['\ufeff\n\n', 'source-empty'],
    [gzipSync(''), 'source-empty'],
    [gzipSync(TABLE).subarray(0, 30), 'gzip-truncated'],
    [gzipSync(gzipSync(gzipSync(gzipSync(TABLE)))), 'archive-unusable'],
    [
      zipOf([
        { name: 'a.csv', content: TABLE },
        { name: 'b.csv', content: TABLE },
      ]),
      'archive-unusable',
    ],
    [zipOf([]), 'archive-unusable'],
    [zipOf([{ name: 'a.csv', content: TABLE }]).subarray(0, 60), 'archive-unusable'],
    [zipOf([{ name: 'a.csv', content: TABLE, crc: 1 }]), 'archive-unusable'],
    [Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1]), 'format-unknown'],
    ['%PDF-1.7', 'format-unknown'],
  ])('%# is refused as %s', async (content, code) => {
    const error = await failureOf(content)
    expect([error.code, error.remedy]).toEqual([code, 'fix-source'])
    expect(error.facts.file).toContain('page')
  })
})

describe('the received body', () => {
  it.each<[string, string | Uint8Array, Partial<FileFormat>, boolean]>([
    ['plain', TABLE, {}, true],
    ['plain with a mark', `\ufeff${TABLE}`, {}, true],
    ['in gzip', gzipSync(TABLE), {}, false],
    ['in gzip twice', gzipSync(gzipSync(TABLE)), {}, false],
    ['in zip', zipOf([{ name: 'a.csv', content: TABLE }]), {}, false],
    ['in another encoding', Buffer.from(TABLE, 'latin1'), {}, false],
    ['with two header rows', TABLE, { headerRows: 2 }, false],
    ['JSON', '[{"a":1}]', {}, false],
  ])('that is %s is named where it holds the very bytes', async (_what, content, format, isPlain) => {
    const page = await decode(content, format)
    expect(page.plain !== undefined).toBe(isPlain)
    if (page.plain === undefined) return
    expect(await readFile(page.plain.file, 'utf8')).toBe(content)
    expect((await joinChunks(page.open())).toString()).toBe(content)
  })
})

describe('members of an archive', () => {
  const zip = zipOf([
    { name: '2023/a.csv', content: 'id\n1\n' },
    { name: '2024/deep/b.csv', content: 'id\n2\n' },
    { name: 'notes(1).csv', content: 'id\n3\n' },
  ])
  it.each([
    ['2023/*.csv', '1'],
    ['**/b.csv', '2'],
    ['NOTES(1).csv', '3'],
  ])('are chosen by %s', async (member, id) => expect((await read(zip, { member })).rows).toEqual([[id]]))

  it('are listed where the pattern fits none or several', async () => {
    for (const member of ['*.json', '**/*.csv']) {
      const error = await failureOf(zip, { member })
      expect(error.facts.members).toEqual(['2023/a.csv', '2024/deep/b.csv', 'notes(1).csv'])
    }
  })
})

describe('the separator', () => {
  it.each([
    ['a,b\n1,2\n', ','],
    ['a;b\n1,5;2,5\n', ';'],
    ['a\tb\n1\t2\n', '\t'],
    ['a|b|c\n1|2|3\n', '|'],
    ['a;b\n0123;c\n', ';'],
    ['a, b;c\n1;2\n3;4\n', ';'],
    ['"a;b;c",d\n1,2\n', ','],
    ['only\n1\n', ','],
    ['', ','],
  ])('of %j is %j', async (text, delimiter) => {
    if (text === '') return
    expect((await decode(text)).delimiter).toBe(delimiter)
  })

  it('is the one of the city file where that names one', async () => {
    expect((await decode('a,b;c\n1,2;3\n', { delimiter: ';' })).columns).toEqual(['a,b', 'c'])
  })

  it('is found in any table of more than one column', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '1', ' ', '"', ',', '\n'), maxLength: 6 })
    const table = fc
      .integer({ min: 2, max: 5 })
      .chain((width) =>
        fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 3, maxLength: 9 }),
      )
    await fc.assert(
      fc.asyncProperty(table, fc.constantFrom(';', '\t', '|'), async (rows, delimiter) => {
        const header = rows[0]?.map((_cell, at) => `h${at}`)
        const text = [header, ...rows]
          .map((row) => row?.map((value) => `"${value.replaceAll('"', '""')}"`).join(delimiter))
          .join('\n')
        expect((await decode(text)).delimiter).toBe(delimiter)
      }),
      { numRuns: 60 },
    )
  })
})

describe('several header rows', () => {
  it('are joined, and the rest is as published', async () => {
    const { columns, rows, form } = await read('\ufeffplace;;when\nward;street;\n07;"a;b";x\n', {
      headerRows: 2,
      delimiter: ';',
    })
    expect([form, columns, rows]).toEqual([
      'native',
      ['place ward', 'place street', 'when'],
      [['07', 'a;b', 'x']],
    ])
  })
})

describe('the encoding of a text without mark', () => {
  const of = (bytes: Uint8Array, sizes: number[] = []) =>
    guessEncoding({ open: () => inChunks(bytes, sizes) })

  it('is UTF-8 for all UTF-8, whatever the chunks', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), anyChunking, async (text, sizes) => {
        expect(await of(Buffer.from(text.toWellFormed()), sizes)).toBe('utf-8')
      }),
    )
  })

  it('is Windows-1252 for western text, whatever the chunks, and the text comes out whole', async () => {
    const letters = fc
      .constantFrom('a', ' ', 'é ', 'ün', 'ñ', '€5', '“', '’s', 'Œ', 'ÿ')
      .map((letter) => `n${letter}`)
    const encode = (text: string) =>
      Buffer.from([...text].map((letter) => CP1252[letter] ?? letter.charCodeAt(0)))
    await fc.assert(
      fc.asyncProperty(fc.array(letters, { minLength: 1 }), anyChunking, async (parts, sizes) => {
        const text = parts.join('')
        fc.pre(/[^\x20-\x7f]/.test(text))
        expect(await of(encode(text), sizes)).toBe('windows-1252')
        expect((await read(Buffer.concat([Buffer.from('name\n'), encode(`x${text}`)]))).rows).toEqual([
          [`x${text}`],
        ])
      }),
    )
  })

  it('is Windows-1252 also when the only such byte stands far behind', async () => {
    expect(await of(Buffer.concat([Buffer.from('x'.repeat(300_000)), Buffer.from([0xe9])]), [65_536])).toBe(
      'windows-1252',
    )
  })

  it.each([
    [9, 1, 'utf-8'],
    [1, 9, 'utf-8'],
    [1, 10, 'windows-1252'],
    [0, 1, 'windows-1252'],
  ])(
    'with %d good characters and %d bad bytes is %s: bad rows of UTF-8 are set aside, not misread',
    async (good, bad, encoding) => {
      expect(
        await of(Buffer.concat([Buffer.from('é,'.repeat(good)), Buffer.from('\xe9,'.repeat(bad), 'latin1')])),
      ).toBe(encoding)
    },
  )

  it('stays UTF-8 for bytes that no encoding has', async () => {
    expect(await of(Buffer.from([0x61, 0xe9, 0x81, 0x61]))).toBe('utf-8')
  })

  it('is what the city file says', async () => {
    expect((await read(Buffer.from('name\nZoë', 'utf16le'), { encoding: 'utf-16le' })).rows).toEqual([
      ['Zoë'],
    ])
    expect((await read(Buffer.from('name\né é'), { encoding: 'windows-1252' })).rows).toEqual([['Ã© Ã©']])
  })

  it('is told where UTF-16 is damaged, with its place', async () => {
    const error = await failureOf(Buffer.concat([utf16('name\n'), Buffer.from([0x00, 0xd8, 0x41, 0x00])]))
    expect([error.code, error.facts.encoding]).toEqual(['encoding-broken', 'utf-16le'])
  })
})

const CP1252: Record<string, number> = { '€': 0x80, '“': 0x93, '’': 0x92, Œ: 0x8c }

describe('what grows without bounds', () => {
  it('is refused by its ratio and by its size', async () => {
    const grow = async (pieces: number, compressed: number) => {
      for await (const _chunk of capped(
        inChunks(Buffer.alloc(pieces * 1_000), [1_000]),
        () => compressed,
        'page',
        {
          bytes: 50_000,
          ratio: 10,
          ratioFrom: 10_000,
        },
      ));
    }
    await grow(10, 1)
    await grow(50, 5_000)
    await expect(grow(11, 1_000)).rejects.toMatchObject({ code: 'archive-unusable' })
    await expect(grow(51, 50_000)).rejects.toMatchObject({ code: 'archive-unusable' })
  })

  it('is refused in a real file', async () => {
    const error = await failureOf(gzipSync(Buffer.alloc(70 * 1024 ** 2, 'a')))
    expect(error.code).toBe('archive-unusable')
  })
})
