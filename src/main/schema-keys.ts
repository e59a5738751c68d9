import { z } from 'zod'

/**
 * Keys that an object schema knows at a path, or none where the path leads to no object.
 * @param value what stands in the file: of alternatives it chooses the one that is meant (a source by its family)
 */
export function knownKeysAt(schema: z.core.$ZodType, path: readonly string[], value?: unknown): string[] {
  let current: z.core.$ZodType | undefined = schema
  let given = value
  for (const step of path) {
    current = current && stepInto(unwrap(current, given), step)
    given = memberOf(given, step)
  }
  const target = current && unwrap(current, given)
  return target instanceof z.ZodObject ? Object.keys(target.shape) : []
}

function memberOf(value: unknown, step: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[step] : undefined
}

function stepInto(schema: z.core.$ZodType, step: string): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodObject) return schema.shape[step]
  if (schema instanceof z.ZodRecord) return schema.valueType
  if (schema instanceof z.ZodArray) return schema.element
  return undefined
}

/** The schema inside defaults and optionals; of alternatives the object that the value is meant to be, else the first object. */
function unwrap(schema: z.core.$ZodType, value: unknown): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrap(schema.def.innerType, value)
  }
  if (schema instanceof z.ZodUnion) {
    const objects = schema.options
      .map((option) => unwrap(option, value))
      .filter((option) => option instanceof z.ZodObject)
    return objects.find((option) => isMeant(option, value)) ?? objects[0] ?? schema
  }
  return schema
}

/** True where every member with one fixed value has that value. */
function isMeant(option: z.ZodObject, value: unknown): boolean {
  const fixed = Object.entries(option.shape).filter(([, member]) => member instanceof z.ZodLiteral)
  return (
    fixed.length > 0 &&
    fixed.every(([name, member]) => (member as z.ZodLiteral).values.has(memberOf(value, name) as string))
  )
}
