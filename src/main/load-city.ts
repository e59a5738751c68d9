import { readFile } from 'node:fs/promises'
import { type Document, isMap, isNode, LineCounter, type Node, parseDocument } from 'yaml'
import type { z } from 'zod'
import { CityFile } from '../contracts/city-file.js'
import { WardbookError } from '../kernel/errors.js'
import { nearestWord } from '../kernel/nearest-word.js'
import { knownKeysAt } from './schema-keys.js'

/**
 * Reads and checks a city file, once, at the edge.
 * @throws WardbookError 'city-file-missing', 'city-file-not-yaml', 'city-file-unknown-key', 'city-file-invalid' (fix-config),
 *   each with the line, the wrong value and what is allowed; all mistakes of a file are named together
 */
export async function loadCity(file: string): Promise<CityFile> {
  return parseCity(await readCity(file), file)
}

/** Checks the text of a city file. @param file its name, for messages */
export function parseCity(text: string, file: string): CityFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: true })
  if (document.errors.length > 0) throw notYaml(file, document.errors[0] as Error)
  const parsed = CityFile.safeParse(document.toJS() ?? {})
  if (parsed.success) return parsed.data
  throw invalid(file, parsed.error, document, lines)
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
  const mistakes = error.issues.flatMap((issue) => mistakesOf(issue, document, lines))
  const text = mistakes.map(({ place, message }) => `${file}:${place} ${message}`).join('\n')
  const code = mistakes.every(({ isUnknownKey }) => isUnknownKey)
    ? 'city-file-unknown-key'
    : 'city-file-invalid'
  return new WardbookError(code, 'fix-config', text, { file, mistakes }, { cause: error })
}

function mistakesOf(issue: z.core.$ZodIssue, document: Document, lines: LineCounter): Mistake[] {
  const path = issue.path.map(String)
  if (issue.code !== 'unrecognized_keys') {
    const message = `${path.join('.') || 'the file'}: ${issue.message}`
    return [
      { place: placeOf(nodeAt(document, path), lines), path: path.join('.'), message, isUnknownKey: false },
    ]
  }
  const known = knownKeysAt(CityFile, path)
  return issue.keys.map((key) => {
    const nearest = nearestWord(key, known)
    const hint = nearest === undefined ? '' : `; did you mean '${nearest}'?`
    const message = `${path.join('.') || 'the file'} has no key '${key}'${hint} Allowed: ${known.join(', ')}`
    return {
      place: placeOf(keyNode(document, path, key), lines),
      path: [...path, key].join('.'),
      message,
      isUnknownKey: true,
    }
  })
}

function nodeAt(document: Document, path: readonly string[]): Node | undefined {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = document.getIn(path.slice(0, depth), true)
    if (isNode(node)) return node
  }
  return undefined
}

function keyNode(document: Document, path: readonly string[], key: string): Node | undefined {
  const parent = path.length === 0 ? document.contents : document.getIn(path, true)
  if (!isMap(parent)) return undefined
  const pair = parent.items.find((item) => String(item.key) === key)
  return isNode(pair?.key) ? pair.key : undefined
}

function placeOf(node: Node | undefined, lines: LineCounter): string {
  if (!node?.range) return '1:1:'
  const { line, col } = lines.linePos(node.range[0])
  return `${line}:${col}:`
}
