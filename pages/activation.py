from explorer import frame, question_page

frame.begin("activation")

question_page.introduction("activation")
rows = question_page.published_numbers("activation")
question_page.planned("activation")
question_page.known_and_open("activation")
question_page.foot("activation", rows)
