import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { z } from 'zod'
import { WardbookError } from '../kernel/errors.js'
import { CUT_ROW } from '../sources/decode/drop-columns.js'
import { cellsOf } from '../sources/files/csv-records.js'
import { readCsv } from '../sources/files/read-csv.js'

/** A row as quarantine holds it, and the record that it was meant to be. */
export interface Correction {
  readonly rawText: string
  readonly correctedText: string
  /** In the file, from 1. */
  readonly line: number
}

const MAX_FILE_BYTES = 64 * 1024 * 1024

/**
 * Reads a file of corrections: JSON lines with `raw_text` and `corrected_text`, or CSV with these columns; whatever else they have is passed over.
 * A row without `corrected_text` says nothing: lines of `quarantine list --json` may stay in the file.
 * @throws WardbookError 'corrections-unreadable', 'corrections-too-large' (fix-config)
 */
export async function readCorrectionsFile(file: string): Promise<Correction[]> {
  const found = await readRows(file)
  const seen = new Map<string, Correction>()
  for (const { rawText, correctedText, line } of found) {
    if (correctedText === undefined) continue
    if (rawText === undefined) throw unreadable(file, `line ${line}: corrected_text without raw_text`)
    demandSense(file, { rawText, correctedText, line }, seen)
  }
  return [...seen.values()]
}

/**
 * Reads the raw texts that a file names, in the forms of a file of corrections; `corrected_text` may be there or not.
 * @throws WardbookError 'corrections-unreadable', 'corrections-too-large' (fix-config)
 */
export async function readRawTexts(file: string): Promise<string[]> {
  return (await readRows(file, false)).map(({ rawText, line }) => {
    if (rawText === undefined || rawText === '') throw unreadable(file, `line ${line}: no raw_text`)
    return rawText
  })
}

/** A line of a file: what it says of the two texts. */
interface FileRow {
  readonly rawText: string | undefined
  /** Undefined where the line says nothing of it. */
  readonly correctedText: string | undefined
  /** In the file, from 1. */
  readonly line: number
}

/** @param corrects whether a table has to have a column for the corrected text */
async function readRows(file: string, corrects = true): Promise<FileRow[]> {
  const size = await stat(file).catch((cause) => {
    throw unreadable(file, `cannot be read: ${cause.code}`, cause)
  })
  if (size.size > MAX_FILE_BYTES) {
    const message = `${file} has ${size.size} bytes; a file of corrections has at most ${MAX_FILE_BYTES}: split it`
    throw new WardbookError('corrections-too-large', 'fix-config', message, { file, bytes: size.size })
  }
  const start = await firstCharacter(file)
  return start === '{' ? readLines(file) : readTable(file, corrects)
}

/** Keeps a correction unless it is one that cannot be meant. */
function demandSense(file: string, correction: Correction, seen: Map<string, Correction>): void {
  const { rawText, correctedText, line } = correction
  const place = `line ${line}`
  if (rawText === '') throw unreadable(file, `${place}: raw_text is empty`)
  if (rawText.includes(CUT_ROW))
    throw unreadable(
      file,
      `${place}: the text of this row was cut off, as it may hold dropped columns; it has no correction`,
    )
  const earlier = seen.get(rawText)
  if (earlier !== undefined && earlier.correctedText !== correctedText)
    throw unreadable(file, `${place}: line ${earlier.line} corrects the same text in another way`)
  seen.set(rawText, earlier ?? correction)
}

async function firstCharacter(file: string): Promise<string> {
  for await (const chunk of createReadStream(file, { end: 1_023 }))
    return (chunk as Buffer)
      .toString('utf8')
      .replace(/^\uFEFF/, '')
      .trimStart()
      .charAt(0)
  return ''
}

const Line = z.looseObject({
  raw_text: z.string().optional(),
  corrected_text: z.string().nullish(),
})

async function readLines(file: string): Promise<FileRow[]> {
  const lines = (await readFile(file, 'utf8')).replace(/^\uFEFF/, '').split('\n')
  return lines.flatMap((text, at) => {
    if (text.trim() === '') return []
    const line = at + 1
    const parsed = Line.safeParse(jsonOf(text, file, line))
    if (!parsed.success) throw unreadable(file, `line ${line}: ${z.prettifyError(parsed.error)}`)
    const { raw_text: rawText, corrected_text: correctedText } = parsed.data
    return [{ rawText, correctedText: correctedText ?? undefined, line }]
  })
}

function jsonOf(text: string, file: string, line: number): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw unreadable(file, `line ${line} is no JSON`, cause)
  }
}

async function readTable(file: string, corrects: boolean): Promise<FileRow[]> {
  const found: FileRow[] = []
  let line = 1
  const wanted = ['raw_text', ...(corrects ? ['corrected_text'] : [])]
  const cell = (buffer: Buffer, from = 0, to = 0) => {
    const text = buffer.toString('utf8', from, to)
    return text.startsWith('"') ? (cellsOf(text, '\0')[0] ?? '') : text
  }
  await readCsv(
    createReadStream(file),
    { delimiter: ',', wanted, isDivision: false, file },
    {
      onGood: (buffer, _start, _end, _isRegular, [rawFrom, rawTo, from, to]) => {
        line += 1
        const [rawText, correctedText] = [cell(buffer, rawFrom, rawTo), cell(buffer, from, to)]
        found.push({ rawText, correctedText: correctedText === '' ? undefined : correctedText, line })
      },
      onBad: (row) => {
        throw unreadable(file, `line ${row.line}: ${row.detail}`)
      },
    },
  ).catch((cause) => {
    if (cause instanceof WardbookError && cause.code === 'corrections-unreadable') throw cause
    throw unreadable(file, cause instanceof Error ? cause.message : String(cause), cause)
  })
  return found
}

function unreadable(file: string, what: string, cause?: unknown): WardbookError {
  const message = `${file}: ${what}. Give JSON lines or CSV with raw_text (as wardbook quarantine list --json --rows prints it) and corrected_text`
  return new WardbookError('corrections-unreadable', 'fix-config', message, { file }, { cause })
}
