import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml'
import { z } from 'zod'
import { CityFile, DatasetOfNoKind } from '../contracts/city-file.js'
import { WardbookError } from '../kernel/errors.js'
import { nearestWord } from '../kernel/nearest-word.js'
import { loadBoundaries } from './load-boundaries.js'
import { knownKeysAt } from './schema-keys.js'

/**
 * Reads and checks a city file and the boundary files that it names, once, at the edge: for commands that write tables. Boundaries have the digest
 * and the absolute path of their files then.
 * @throws WardbookError 'city-file-missing', 'city-file-not-yaml', 'city-file-unknown-key', 'city-file-invalid' (fix-config),
 *   each with the line, the wrong value and what is allowed; all mistakes of a file are named together
 */
export async function loadCity(file: string): Promise<CityFile> {
  const { city, document, lines } = parseDocumentOf(await readCity(file), file)
  if (city.divisions.boundaries === undefined) return city
  const { boundaries, mistakes } = await loadBoundaries(city, file)
  if (mistakes.length === 0) return { ...city, divisions: { ...city.divisions, boundaries } }
  const issues = mistakes.map(({ path, message }) => ({
    code: 'custom' as const,
    path,
    message,
    input: undefined,
  }))
  throw invalid(file, new z.ZodError(issues), document, lines)
}

/**
 * Reads and checks a city file without the boundary files that it names: for commands that only read what is there. Nothing may be ingested with
 * it: digests of partitions by point would miss their maps.
 * @throws WardbookError as {@link loadCity}
 */
export async function loadCityWithoutMaps(file: string): Promise<CityFile> {
  return parseCity(await readCity(file), file)
}

/** Folder of a city file: modules and maps that it names lie relative to it. */
export function cityFolderOf(file: string): string {
  return dirname(file)
}

/** Checks the text of a city file, but not the boundary files that it names. @param file its name, for messages */
export function parseCity(text: string, file: string): CityFile {
  return parseDocumentOf(text, file).city
}

interface ParsedCity {
  readonly city: CityFile
  readonly document: Document
  readonly lines: LineCounter
}

function parseDocumentOf(text: string, file: string): ParsedCity {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: true })
  if (document.errors.length > 0) throw notYaml(file, document.errors[0] as Error)
  const parsed = CityFile.safeParse(valuesOf(document, file) ?? {})
  if (parsed.success) return { city: parsed.data, document, lines }
  throw invalid(file, parsed.error, document, lines)
}

/** The document as plain values. An alias without its anchor comes to light only here. */
function valuesOf(document: Document, file: string): unknown {
  try {
    return document.toJS()
  } catch (thrown) {
    throw notYaml(file, thrown as Error)
  }
}

async function readCity(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause) => {
    throw new WardbookError(
      'city-file-missing',
      'fix-config',
      `cannot read the city file ${file}: ${cause.code}`,
      { file },
      { cause },
    )
  })
}

function notYaml(file: string, cause: Error): WardbookError {
  return new WardbookError(
    'city-file-not-yaml',
    'fix-config',
    `${file} is not YAML: ${cause.message}`,
    { file },
    { cause },
  )
}

interface Mistake {
  readonly place: string
  readonly path: string
  readonly message: string
  readonly isUnknownKey: boolean
}

function invalid(file: string, error: z.ZodError, document: Document, lines: LineCounter): WardbookError {
  const issues = error.issues.flatMap((issue) => [issue, ...issuesBesideKind(issue, document.toJS())])
  const mistakes = issues.flatMap((issue) => mistakesOf(issue, document, lines))
  const text = mistakes.map(({ place, message }) => `${file}:${place} ${message}`).join('\n')
  const code = mistakes.every(({ isUnknownKey }) => isUnknownKey)
    ? 'city-file-unknown-key'
    : 'city-file-invalid'
  return new WardbookError(code, 'fix-config', text, { file, mistakes }, { cause: error })
}

/** A dataset whose kind is none is compared with no kind: what is wrong with its other settings is looked for here. */
function issuesBesideKind({ code, path }: z.core.$ZodIssue, values: unknown): z.core.$ZodIssue[] {
  const [section, dataset, setting] = path.map(String)
  if (code !== 'invalid_union' || section !== 'datasets' || setting !== 'kind' || path.length > 3) return []
  const settings = (values as { datasets: Record<string, unknown> }).datasets[dataset ?? '']
  const issues = DatasetOfNoKind.safeParse(settings).error?.issues ?? []
  return issues.map((issue) => ({ ...issue, path: [...path.slice(0, 2), ...issue.path] }))
}

function mistakesOf(issue: z.core.$ZodIssue, document: Document, lines: LineCounter): Mistake[] {
  const path = issue.path.map(String)
  if (issue.code !== 'unrecognized_keys') {
    const { node, isWhole } = nodeAt(document, path)
    const message = `${path.join('.') || 'the file'}: ${issue.message}${isWhole ? shownValue(node, issue.message) : ''}`
    return [{ place: placeOf(node, lines), path: path.join('.'), message, isUnknownKey: false }]
  }
  const known = knownKeysAt(CityFile, path, document.toJS())
  return issue.keys.map((key) => {
    const nearest = nearestWord(key, known)
    const hint = nearest === undefined ? '.' : `; did you mean '${nearest}'?`
    const message = `${path.join('.') || 'the file'} has no key '${key}'${hint} Allowed: ${known.join(', ')}`
    return {
      place: placeOf(keyNode(document, path, key), lines),
      path: [...path, key].join('.'),
      message,
      isUnknownKey: true,
    }
  })
}

/** The node at a path, or the nearest above it where the file has none. */
function nodeAt(document: Document, path: readonly string[]): { node: Node | undefined; isWhole: boolean } {
  let node = document.contents as Node | null
  for (const step of path) {
    const next = childOf(node, step)
    if (next === undefined) return { node: node ?? undefined, isWhole: false }
    node = next
  }
  return { node: node ?? undefined, isWhole: true }
}

/** Steps are compared as text: an unquoted `7:` is a number for YAML and a name for us. */
function childOf(parent: Node | null, step: string): Node | undefined {
  if (isSeq(parent)) return (parent.items[Number(step)] as Node | undefined) ?? undefined
  return (pairOf(parent, step)?.value as Node | null | undefined) ?? undefined
}

function pairOf(parent: Node | null | undefined, key: string): Pair | undefined {
  if (!isMap(parent)) return undefined
  return parent.items.find((item) => isScalar(item.key) && String(item.key.value) === key)
}

function keyNode(document: Document, path: readonly string[], key: string): Node | undefined {
  return pairOf(nodeAt(document, path).node, key)?.key as Node | undefined
}

const MAX_SHOWN_CHARACTERS = 80

/** The wrong value, where it is a short one and the message does not name it yet. */
function shownValue(node: Node | undefined, message: string): string {
  if (!isScalar(node) || node.value === null) return ''
  const text = String(node.value)
  return message.includes(`'${text}'`) || text.length > MAX_SHOWN_CHARACTERS ? '' : `; it is '${text}'`
}

function placeOf(node: Node | undefined, lines: LineCounter): string {
  if (!node?.range) return '1:1:'
  const { line, col } = lines.linePos(node.range[0])
  return `${line}:${col}:`
}
