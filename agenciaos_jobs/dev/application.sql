-- The tables of AgênciaOS that its jobs use, as in its Prisma schema: for the demo, `dev` and the tests.
-- In production they belong to the application, and this file is never run against them.

DO $$ BEGIN
  CREATE TYPE "Plan" AS ENUM ('FREE', 'PRO');
  CREATE TYPE "Role" AS ENUM ('OWNER', 'ADMIN', 'MEMBER');
  CREATE TYPE "ProjectStatus" AS ENUM ('PLANNING', 'IN_PROGRESS', 'REVIEW', 'COMPLETED', 'CANCELLED');
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;

DO $$ BEGIN
  CREATE TYPE "Priority" AS ENUM ('LOW', 'MEDIUM', 'HIGH', 'URGENT');
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;

CREATE TABLE IF NOT EXISTS users (
  id text PRIMARY KEY,
  email text NOT NULL UNIQUE,
  "emailVerified" timestamp(3),
  name text,
  image text,
  password text,
  role "Role" NOT NULL DEFAULT 'MEMBER',
  "agencyId" text,
  "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt" timestamp(3) NOT NULL
);

CREATE TABLE IF NOT EXISTS agencies (
  id text PRIMARY KEY,
  name text NOT NULL,
  slug text NOT NULL UNIQUE,
  "ownerId" text NOT NULL UNIQUE REFERENCES users (id) ON DELETE RESTRICT ON UPDATE CASCADE,
  settings jsonb,
  plan "Plan" NOT NULL DEFAULT 'FREE',
  "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt" timestamp(3) NOT NULL
);

ALTER TABLE users DROP CONSTRAINT IF EXISTS "users_agencyId_fkey";
ALTER TABLE users ADD CONSTRAINT "users_agencyId_fkey"
  FOREIGN KEY ("agencyId") REFERENCES agencies (id) ON DELETE SET NULL ON UPDATE CASCADE;

CREATE TABLE IF NOT EXISTS clients (
  id text PRIMARY KEY,
  "agencyId" text NOT NULL REFERENCES agencies (id) ON DELETE CASCADE ON UPDATE CASCADE,
  name text NOT NULL,
  email text,
  phone text,
  company text,
  address jsonb,
  "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt" timestamp(3) NOT NULL
);

CREATE TABLE IF NOT EXISTS projects (
  id text PRIMARY KEY,
  "agencyId" text NOT NULL REFERENCES agencies (id) ON DELETE CASCADE ON UPDATE CASCADE,
  "clientId" text NOT NULL REFERENCES clients (id) ON DELETE CASCADE ON UPDATE CASCADE,
  name text NOT NULL,
  description text,
  status "ProjectStatus" NOT NULL DEFAULT 'PLANNING',
  budget numeric(65, 30),
  "startDate" timestamp(3),
  "endDate" timestamp(3),
  "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt" timestamp(3) NOT NULL
);

CREATE TABLE IF NOT EXISTS boards (
  id text PRIMARY KEY,
  "projectId" text NOT NULL REFERENCES projects (id) ON DELETE CASCADE ON UPDATE CASCADE,
  name text NOT NULL,
  position integer NOT NULL,
  color text,
  "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt" timestamp(3) NOT NULL
);

CREATE TABLE IF NOT EXISTS tasks (
  id text PRIMARY KEY,
  "projectId" text NOT NULL REFERENCES projects (id) ON DELETE CASCADE ON UPDATE CASCADE,
  "boardId" text NOT NULL REFERENCES boards (id) ON DELETE CASCADE ON UPDATE CASCADE,
  "assignedTo" text REFERENCES users (id) ON DELETE SET NULL ON UPDATE CASCADE,
  title text NOT NULL,
  description text,
  priority "Priority" NOT NULL DEFAULT 'MEDIUM',
  "dueDate" timestamp(3),
  position integer NOT NULL,
  "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt" timestamp(3) NOT NULL
);

CREATE TABLE IF NOT EXISTS revenues (
  id text PRIMARY KEY,
  "agencyId" text NOT NULL REFERENCES agencies (id) ON DELETE CASCADE ON UPDATE CASCADE,
  "clientId" text REFERENCES clients (id) ON DELETE SET NULL ON UPDATE CASCADE,
  "projectId" text REFERENCES projects (id) ON DELETE SET NULL ON UPDATE CASCADE,
  description text NOT NULL,
  amount numeric(65, 30) NOT NULL,
  category text NOT NULL,
  "isRecurring" boolean NOT NULL DEFAULT false,
  date timestamp(3) NOT NULL,
  "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt" timestamp(3) NOT NULL
);

CREATE TABLE IF NOT EXISTS expenses (
  id text PRIMARY KEY,
  "agencyId" text NOT NULL REFERENCES agencies (id) ON DELETE CASCADE ON UPDATE CASCADE,
  description text NOT NULL,
  amount numeric(65, 30) NOT NULL,
  category text NOT NULL,
  date timestamp(3) NOT NULL,
  "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt" timestamp(3) NOT NULL
);

CREATE TABLE IF NOT EXISTS ai_usage (
  id text PRIMARY KEY,
  "agencyId" text NOT NULL REFERENCES agencies (id) ON DELETE CASCADE ON UPDATE CASCADE,
  "agentType" text NOT NULL,
  "tokensUsed" integer NOT NULL,
  cost numeric(65, 30) NOT NULL,
  "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
