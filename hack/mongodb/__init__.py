"""A server that speaks MongoDB's protocol, with MongoDB's own clients.

No registry has MongoDB's server. SecantusDB is another one, on MongoDB's storage engine, with users
and roles; mongodump, mongorestore and mongosh are MongoDB's own.
"""
