"""Files of word vectors: text, binary, gensim, mapped into memory."""
