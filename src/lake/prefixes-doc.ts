import { OWNERS, type Owner, PREFIXES, type PrefixRule } from './prefixes.js'

/** docs/prefixes.md: the prefix table for people, made from the one that the store handles obey. */
export function prefixesMarkdown(): string {
  const rows = PREFIXES.map((rule) =>
    [`\`${rule.prefix}\``, writersOf(rule), readersOf(rule.readers), rule.content].join(' | '),
  )
  return `${INTRODUCTION}
| prefix | written only by | read by | content |
|---|---|---|---|
${rows.map((row) => `| ${row} |`).join('\n')}

Owners: ${OWNERS.join(', ')}. Whoever may write below a prefix may also read there.
`
}

const INTRODUCTION = `# Prefixes of a lake

A lake is any base path: a folder, or a bucket with a prefix. Every key below it begins with one of these prefixes. Each stage holds a store handle
that refuses any other key to write, and any prefix that is not its own to read ('outside-prefix'). \`<stage>\` stands for the
writer's own name.
`

function writersOf({ prefix, writers }: PrefixRule): string {
  const each = prefix.includes('<stage>') ? ', each below its own name' : ''
  return `${writers.join(', ')}${each}`
}

function readersOf(readers: readonly Owner[]): string {
  return readers.length === OWNERS.length ? 'everyone' : readers.join(', ')
}
